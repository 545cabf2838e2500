"""The engine against an exchange that loses, delays, repeats and reorders: what must hold, always holds."""

import random
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule
from support.chaos import World
from support.engine_world import SECOND, SYMBOL, engine

from tradefleet_bot.core.decision import ACTIONS, Action
from tradefleet_bot.core.journal.codec import encode

STATES = (*["Running"] * 9, "Paused", "ReduceOnly", "Flatten")
HALTS = (None, None, None, "Pause", "Cancel", "Flatten")


def at_rest(world: World) -> None:
    """After a calm: the engine and the venue agree, money adds up, and nothing is left behind."""
    world.obey()
    world.calm()
    world.check_commands()
    portfolio = world.engine.state.account("live").portfolio
    held = portfolio.position(SYMBOL).quantity
    assert held == world.position.quantity
    assert portfolio.wallet == world.wallet
    working = [order.intent for order in world.orders.values() if order.open]
    if held:
        assert [intent.leg for intent in working].count("stop") == 1
        assert {intent.side for intent in working} == {"SELL" if held > 0 else "BUY"}
    else:
        assert working == []
        assert world.engine.snapshot().flat
        assert world.baseline is not None
        assert portfolio.realized == pytest.approx(world.wallet - world.baseline, abs=Decimal("1e-6"))


def same_bytes(world: World) -> None:
    """The same events give a fresh engine the same commands, byte for byte."""
    fresh = engine(lambda n, _mask, _view: world.decided[n - 1])
    replayed = [encode(command) for event in world.history for command in fresh.step(event)]
    assert replayed == [encode(command) for command in world.issued]


def drive(seed: int, steps: int, *, by_hand: bool = False) -> World:
    """A long random run; `by_hand`: a person trades on the same account now and then."""
    rng = random.Random(seed)
    world = World(rng.randrange)
    for _ in range(steps):
        what = rng.random()
        if what < 0.40:
            world.tick(round(world.price * (1 + rng.gauss(0, 0.0008)), 1), rng.randrange(2 * SECOND))
        elif what < 0.78:
            world.deliver(0 if rng.random() < 0.7 else rng.randrange(100), repeat=rng.random() < 0.1)
        elif what < 0.90:
            world.next_action = rng.choice(ACTIONS)
        elif what < 0.92:
            world.drop(rng.randrange(100))
        elif what < 0.93:
            world.fund(Decimal(rng.randrange(-100, 100)) / 10)
        elif what < 0.935 and by_hand:
            world.manual_trade(Decimal(rng.choice((-2, -1, 1, 2))) / 1000)
        elif what < 0.97:
            world.obey(trading_state=rng.choice(STATES), fresh=rng.random() < 0.9, rearm=f"look-{rng.random()}")
        else:
            world.deliver_all()
    return world


@pytest.mark.parametrize("seed", range(25))
def test_a_long_run_through_faults_ends_in_agreement(seed: int) -> None:
    world = drive(seed, 600, by_hand=seed % 2 == 1)
    at_rest(world)
    same_bytes(world)


class Chaos(RuleBasedStateMachine):
    """The same, with hypothesis looking for the shortest way to break it."""

    @initialize(fates=st.randoms(use_true_random=False))
    def begin(self, fates: random.Random) -> None:
        self.world = World(fates.randrange)

    @rule(percent=st.floats(-0.5, 0.5), step=st.integers(0, 3 * SECOND))
    def tick(self, percent: float, step: int) -> None:
        self.world.tick(round(self.world.price * (1 + percent / 100), 1), step)

    @rule(index=st.integers(0, 20), repeat=st.booleans())
    def deliver(self, index: int, repeat: bool) -> None:
        self.world.deliver(index, repeat=repeat)

    @rule()
    def deliver_all(self) -> None:
        self.world.deliver_all()

    @rule(index=st.integers(0, 20))
    def lose(self, index: int) -> None:
        self.world.drop(index)

    @rule(action=st.sampled_from(ACTIONS))
    def want(self, action: Action) -> None:
        self.world.next_action = action
        self.world.tick(self.world.price, SECOND)

    @rule(
        state=st.sampled_from(STATES),
        fresh=st.booleans(),
        halt=st.sampled_from((None, None, "Pause", "Cancel", "Flatten")),
    )
    def order(self, state: str, fresh: bool, halt: str | None) -> None:
        self.world.obey(trading_state=state, fresh=fresh, halt=halt)

    @rule(lots=st.integers(-3, 3).filter(bool))
    def trade_by_hand(self, lots: int) -> None:
        self.world.manual_trade(Decimal(lots) / 1000)

    @rule(cents=st.integers(-500, 500).filter(bool))
    def fund(self, cents: int) -> None:
        self.world.fund(Decimal(cents) / 100)

    def teardown(self) -> None:
        if hasattr(self, "world"):
            at_rest(self.world)
            same_bytes(self.world)


TestChaos = Chaos.TestCase
TestChaos.settings = settings(
    max_examples=40, stateful_step_count=40, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)

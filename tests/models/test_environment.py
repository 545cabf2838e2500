"""The environment is what the libraries expect, sees what the bot sees, and pays what it says."""

import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

from tradefleet_models.rules import CLOSE, HOLD, OPEN_LONG, Position
from tradefleet_models.train.config import Costs
from tradefleet_models.train.environment import Tape, TradingEnvironment, edge_of, observation

pytestmark = pytest.mark.train
FREE = Costs(fee_bps=0, slippage_bps=0, order_bps=0)


def _tape(seed: int = 0, count: int = 400, edge: float = 0.0) -> Tape:
    draw = np.random.default_rng(seed)
    mid = 100 * np.exp(np.cumsum(draw.standard_normal(count)) * 1e-4)
    scores = draw.uniform(-1, 1, (count, 3)).astype(np.float32)
    constant = np.full(count, 1e-4, np.float32)
    return Tape(mid - 0.01, mid + 0.01, scores, constant, constant * 2, edge)


# The checker wants bounded, normalised observations; ours are the bot's, raw, and the policy scales them.
@pytest.mark.filterwarnings("ignore:.*Box observation space.*:UserWarning")
@pytest.mark.filterwarnings("ignore:.*not within the observation space.*:UserWarning")
def test_gymnasium_accepts_it() -> None:
    environment = TradingEnvironment([_tape()], Costs(fee_bps=1), 50, 1.0, 1.0)
    # Only HOLD is allowed at every moment, and the checker draws actions without asking for the mask.
    environment.action_space = type(environment.action_space)(1)
    check_env(environment, skip_render_check=True)


def test_observation_is_the_contract_s() -> None:
    tape = _tape()
    short = Position(-0.5, 101.0, 30)
    mid = (tape.bid[7] + tape.ask[7]) / 2
    wanted = [*tape.scores[7], -0.5, -100 * (mid / 101 - 1), 0.5, 1e-4, 2e-4]
    assert observation(tape, 7, short) == pytest.approx(np.array(wanted, np.float32))


def test_reward_is_profit_minus_costs_in_units() -> None:
    costs = Costs(fee_bps=2, slippage_bps=0.5, order_bps=0.25)
    tape = _tape()
    environment = TradingEnvironment([tape], costs, 50, 4.0, 1.0)
    environment.reset(seed=1)
    index, size = environment._index, environment._sizing.open
    mid = (tape.bid + tape.ask) / 2
    half = 1e4 * 0.01 / mid[index]
    _, opened, *_ = environment.step(np.int64(OPEN_LONG))
    gain = size * (mid[index + 1] / mid[index] - 1) * 1e4
    assert opened == pytest.approx((gain - size * (2.5 + half) - 0.25) / 4)
    _, held, *_ = environment.step(np.int64(HOLD))
    assert held == pytest.approx(size * (mid[index + 2] / mid[index + 1] - 1) * 1e4 / 4)
    _, closed, *_ = environment.step(np.int64(CLOSE))
    assert closed == pytest.approx(-(size * (2.5 + 1e4 * 0.01 / mid[index + 2]) + 0.25) / 4)


def test_long_in_the_mirror_is_short_in_the_market() -> None:
    tape = _tape(edge=1e-4)
    mirror = tape.mirrored()
    moves = [np.log((t.bid + t.ask) / 2) for t in (tape, mirror)]
    assert np.diff(moves[0]) == pytest.approx(-np.diff(moves[1]), abs=1e-9)
    assert (mirror.bid < mirror.ask).all()
    assert edge_of([tape], 5) == pytest.approx(edge_of([mirror], 5), rel=1e-3)


def test_edge_is_found_where_it_was_put() -> None:
    draw = np.random.default_rng(5)
    score = np.zeros(40_000)
    for index in range(1, len(score)):
        score[index] = 0.9 * score[index - 1] + 0.1 * draw.standard_normal()
    returns = 2e-4 * score + 1e-4 * draw.standard_normal(len(score))
    mid = 100 * np.exp(np.concatenate([[0], np.cumsum(returns[:-1])]))
    tape = Tape(mid, mid, np.stack([score] * 3, 1).astype(np.float32), *[np.ones(len(mid), np.float32)] * 2)
    assert edge_of([tape], 10) == pytest.approx(2e-4, rel=0.1)


def test_episodes_longer_than_the_data_are_refused() -> None:
    with pytest.raises(ValueError, match="longer than an episode"):
        TradingEnvironment([_tape(count=50)], FREE, 50, 1.0, 1.0)

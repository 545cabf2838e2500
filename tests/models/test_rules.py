"""The rules of trading: what is allowed, and that profit and cost add up however a policy trades."""

from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradefleet_models.rules import ADD, CLOSE, OPEN_LONG, OPEN_SHORT, REDUCE, Position, Sizing, play, step_position

SIZING = Sizing(open=0.5, add=0.3, stop=1.0)
PRICES = st.lists(st.integers(900, 1100), min_size=3, max_size=60)


@given(PRICES, st.randoms(use_true_random=False), st.sampled_from([0.0, 0.1, 5.0]))
def test_profit_is_that_of_the_cash_book(prices: list[int], random: Random, fee_bps: float) -> None:
    """Mark every position by its relative move to the next decision, and pay for every trade."""
    mid = np.array(prices, float)
    bid, ask = mid - 0.5, mid + 0.5
    sizes = [0.0]

    def choose(index: int, position: Position) -> int:
        action = random.choice([a for a, allowed in enumerate(position.mask) if allowed])
        sizes.append(step_position(position, action, bid[index], ask[index], SIZING).size)
        return action

    played = play(bid, ask, choose, SIZING)
    sizes.append(0.0)
    profit = sum(size * (after / before - 1) for size, before, after in zip(sizes[1:], mid, mid[1:], strict=False))
    traded = np.abs(np.diff(sizes))
    costs = (traded * (0.5 / mid + fee_bps * 1e-4)).sum()
    assert played.net(fee_bps) == pytest.approx(profit - costs)
    assert played.actions.sum() == played.decisions == len(mid) - 1
    assert len(played.holdings) == played.entries
    assert all(0 < held < len(mid) for held in played.holdings)


@given(PRICES, st.randoms(use_true_random=False))
def test_no_path_leaves_the_limits_and_masked_actions_are_refused(prices: list[int], random: Random) -> None:
    position = Position()
    for price in prices:
        allowed = [action for action, ok in enumerate(position.mask) if ok]
        for action in set(range(6)) - set(allowed):
            with pytest.raises(ValueError, match="not allowed"):
                step_position(position, action, price, price + 1, SIZING)
        before, position = position, step_position(position, random.choice(allowed), price, price + 1, SIZING).older()
        assert abs(position.size) <= 1
        assert before.size * position.size >= 0
        assert (position.entry == 0) == (position.size == 0)


def test_adding_averages_the_entry_and_reducing_keeps_it() -> None:
    opened = step_position(Position(), OPEN_LONG, 99, 101, SIZING)
    added = step_position(opened, ADD, 103, 105, SIZING)
    assert added == Position(0.8, pytest.approx((0.5 * 101 + 0.3 * 105) / 0.8), 0)
    assert step_position(added, REDUCE, 103, 105, SIZING) == Position(0.4, added.entry, 0)
    assert step_position(added, CLOSE, 103, 105, SIZING) == Position()


def test_unrealized_is_percent_of_notional_on_the_right_side() -> None:
    short = step_position(Position(), OPEN_SHORT, 100, 101, SIZING)
    assert short.unrealized(99) == pytest.approx(1.0)
    assert Position(0.5, 100.0).unrealized(99) == pytest.approx(-1.0)
    assert Position().unrealized(99) == 0

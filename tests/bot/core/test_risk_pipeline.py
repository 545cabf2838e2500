"""Each check of the pipeline refuses what it must, lets reducing orders through, and agrees with the sizing."""

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.engine_world import (
    RULES,
    START,
    SYMBOL,
    directive,
)

from tradefleet_bot.core.orders.intent import OrderIntent
from tradefleet_bot.core.risk.context import Context
from tradefleet_bot.core.risk.pipeline import approve, gate
from tradefleet_bot.core.risk.seal import Seal
from tradefleet_bot.core.risk.sizing import entry_quantity
from tradefleet_bot.core.risk.verdict import Approved, Refused

LIMITS = directive().limits
GOOD = Context(
    at=START, limits=LIMITS, state="Running", state_reason="", fresh=True, wrong_model=None, quorum_lost=False,
    latch=None, feed_fault=None, account_fault=None, busy=None, instrument=RULES, bid=Decimal("59999.9"),
    ask=Decimal("60000.1"), mark=Decimal(60_000), atr=Decimal(40), position=Decimal(0), entry=Decimal(0), stop=None,
    in_flight=Decimal(0), gross_others=Decimal(0), equity=Decimal(10_000), basis=Decimal(10_000), liquidation=None,
    day_start_equity=Decimal(10_000), high_water=Decimal(10_000), trades_today=0, consecutive_losses=0,
    orders_last_minute=0,
)  # fmt: skip
BUY = OrderIntent(
    "tf-1", SYMBOL, "BUY", "entry", "LIMIT", Decimal("0.03"), price=Decimal("60030.1"), time_in_force="IOC"
)
SELL = replace(GOOD, position=Decimal("0.03"), entry=Decimal(60_000))
EXIT = OrderIntent(
    "tf-2", SYMBOL, "SELL", "exit", "LIMIT", Decimal("0.03"), price=Decimal(59_500), time_in_force="IOC",
    reduce_only=True,
)  # fmt: skip


def altered(intent: OrderIntent, **changes: object) -> OrderIntent:
    from msgspec.structs import replace as struct_replace

    return struct_replace(intent, **changes)


def refusal(intent: OrderIntent, context: Context) -> str:
    verdict = approve(intent, context)
    assert isinstance(verdict, Refused), "it was approved"
    return verdict.check


def test_only_the_pipeline_makes_an_approved_intent() -> None:
    approved = approve(BUY, GOOD)
    assert isinstance(approved, Approved)
    assert approved.value == BUY
    with pytest.raises(TypeError, match="pass it through"):
        Approved(BUY, Seal())
    with pytest.raises(TypeError, match="seal"):
        Approved(BUY)  # type: ignore[call-arg]  # what mypy refuses, too


def test_control_1_maximum_order_quantity_and_notional() -> None:
    assert refusal(altered(BUY, quantity=Decimal("0.034")), GOOD) == "max_position"
    assert refusal(altered(BUY, quantity=Decimal("0.0305")), GOOD) == "lot"
    assert refusal(altered(BUY, quantity=Decimal(0)), GOOD) == "lot"
    assert refusal(altered(BUY, price=Decimal("60030.15")), GOOD) == "tick"
    small = replace(GOOD, instrument=altered(RULES, min_quantity=Decimal("0.05")))
    assert refusal(BUY, small) == "min_quantity"
    cheap = replace(GOOD, instrument=altered(RULES, min_notional=Decimal(5_000)))
    assert refusal(BUY, cheap) == "min_notional"


def test_control_2_position_and_leverage_count_orders_in_flight() -> None:
    assert isinstance(approve(BUY, GOOD), Approved)
    assert refusal(BUY, replace(GOOD, in_flight=Decimal("0.004"))) == "max_position"
    held = replace(GOOD, position=Decimal("0.02"), entry=Decimal(60_000), stop=Decimal(59_000))
    assert refusal(BUY, held) == "max_position"
    assert refusal(BUY, replace(GOOD, gross_others=Decimal(29_000))) == "max_leverage"


def test_control_3_price_collar_against_mid_and_mark() -> None:
    far = Decimal("60700.0")
    small = altered(BUY, quantity=Decimal("0.01"))
    assert refusal(altered(small, price=far), GOOD) == "price_collar"
    assert refusal(small, replace(GOOD, mark=Decimal(59_000))) == "price_collar"
    assert refusal(altered(BUY, price=None), GOOD) == "priced"
    assert refusal(altered(EXIT, price=Decimal(57_000)), SELL) == "price_collar"


def test_control_4_order_rate() -> None:
    assert refusal(BUY, replace(GOOD, orders_last_minute=LIMITS.max_orders_per_minute)) == "order_rate"
    assert isinstance(approve(EXIT, replace(SELL, orders_last_minute=10_000)), Approved)


@pytest.mark.parametrize(
    ("changes", "check"),
    [
        ({"day_start_equity": Decimal(10_500)}, "daily_loss"),
        ({"high_water": Decimal(12_500)}, "drawdown"),
        ({"consecutive_losses": 1_000}, "consecutive_losses"),
        ({"trades_today": 1_000}, "trades_per_day"),
    ],
)
def test_control_7_daily_loss_drawdown_losing_streak_trades_a_day(changes: dict[str, object], check: str) -> None:
    assert refusal(BUY, replace(GOOD, **changes)) == check
    assert isinstance(approve(EXIT, replace(SELL, **changes)), Approved)


def test_control_8_liquidation_distance() -> None:
    near = replace(GOOD, position=Decimal("0.001"), entry=Decimal(60_000), liquidation=Decimal(55_000))
    assert refusal(altered(BUY, quantity=Decimal("0.01")), near) == "liquidation_distance"
    thin = replace(GOOD, equity=Decimal(1_000), basis=Decimal(10_000), day_start_equity=None, high_water=Decimal(1_000))
    assert refusal(BUY, replace(thin, day_start_equity=Decimal(1_000), gross_others=Decimal(6_000))) == (
        "liquidation_distance"
    )


@pytest.mark.parametrize("state", ["Disabled", "Paused", "ReduceOnly", "Flatten"])
def test_no_new_risk_unless_running_and_reducing_always_passes(state: str) -> None:
    assert refusal(BUY, replace(GOOD, state=state)) == "trading_state"
    broken = replace(
        SELL, state=state, fresh=False, wrong_model="x", quorum_lost=True, latch="x", feed_fault="x", account_fault="x"
    )
    assert isinstance(approve(EXIT, broken), Approved)


@pytest.mark.parametrize(
    ("changes", "check"),
    [
        ({"fresh": False}, "mandate"),
        ({"wrong_model": "x"}, "model"),
        ({"quorum_lost": True}, "quorum"),
        ({"latch": "x"}, "latch"),
        ({"account_fault": "x"}, "account"),
        ({"feed_fault": "x"}, "feed"),
        ({"busy": "x"}, "busy"),
        ({"atr": None}, "unknown"),
        ({"equity": None}, "unknown"),
    ],
)
def test_each_gate_refuses(changes: dict[str, object], check: str) -> None:
    assert refusal(BUY, replace(GOOD, **changes)) == check


def test_a_reducing_order_reduces() -> None:
    assert refusal(altered(EXIT, side="BUY"), SELL) == "reduce_only"
    assert refusal(altered(EXIT, quantity=Decimal("0.031")), SELL) == "reduce_only"
    assert refusal(EXIT, GOOD) == "reduce_only"


def test_an_entry_never_turns_a_position_round() -> None:
    assert refusal(altered(BUY, side="SELL"), replace(SELL, stop=Decimal(59_000))) == "direction"


amounts = st.decimals(0, 100_000, places=2, allow_nan=False, allow_infinity=False)


@given(
    equity=amounts, capital=amounts, atr=st.decimals(0, 5_000, places=1), held=st.integers(0, 50),
    in_flight=st.integers(0, 50), others=amounts, ratio=st.decimals("0.01", 1, places=2),
)  # fmt: skip
def test_a_size_that_is_offered_is_always_approved(
    *, equity: Decimal, capital: Decimal, atr: Decimal, held: int, in_flight: int, others: Decimal, ratio: Decimal
) -> None:
    """What sizing gives, the checks let through: an order that risk would refuse is never offered to the model."""
    context = replace(
        GOOD,
        limits=altered(LIMITS, max_position_ratio=ratio),  # type: ignore[arg-type]  # any struct
        equity=equity, basis=min(equity, capital), atr=atr, day_start_equity=equity, high_water=equity,
        position=Decimal(held) / 1000, entry=Decimal(60_000), stop=Decimal(59_400) if held else None,
        in_flight=Decimal(in_flight) / 1000, gross_others=others,
    )  # fmt: skip
    price = Decimal("60030.1")
    quantity = entry_quantity(context, price)
    if isinstance(quantity, Refused) or gate(context) is not None:
        return
    verdict = approve(altered(BUY, quantity=quantity, price=price), context)
    assert isinstance(verdict, Approved) or verdict.check in ("min_notional", "min_quantity")
    assert quantity % RULES.lot == 0

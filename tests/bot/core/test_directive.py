"""Orders from above: the stricter of spec and mandate, and the most severe of all that asks for less."""

from decimal import Decimal

import pytest
from support.engine_world import SECOND, START, directive

from tradefleet_api.botconfig import StaticOrders
from tradefleet_api.mandate import Mandate
from tradefleet_api.tradingbot import TradingBotSpec
from tradefleet_bot.core.directive import from_bot, from_static, trading_state
from tradefleet_bot.core.events import Directive


def spec(**changes: object) -> TradingBotSpec:
    return TradingBotSpec.model_validate(
        {"symbols": ["BTCUSDT"], "model": {"name": "m"}, "venue": {"type": "sim"}, **changes}
    )


def mandate(**changes: object) -> Mandate:
    base = {
        "sequence": 4, "modelDigest": "d" * 64, "mode": "paper", "capitalQuote": 500, "maxLeverage": 3,
        "maxPositionRatio": 0.1,
    }  # fmt: skip
    return Mandate.model_validate({**base, **changes})


def made(found: Directive | None) -> Directive:
    assert found is not None
    return found


def test_without_a_mandate_there_are_no_orders() -> None:
    assert from_bot(START, spec(), None) is None
    assert trading_state(None)[0] == "Disabled"


@pytest.mark.parametrize(("ours", "theirs", "effective"), [(0.2, 0.1, "0.1"), (0.05, 0.1, "0.05")])
def test_the_stricter_limit_wins(ours: float, theirs: float, effective: str) -> None:
    order = made(from_bot(START, spec(risk={"maxPositionRatio": ours}), mandate(maxPositionRatio=theirs)))
    assert order.limits.max_position_ratio == Decimal(effective)
    leveraged = made(from_bot(START, spec(risk={"maxLeverage": 5}), mandate(maxLeverage=2)))
    assert leveraged.limits.max_leverage == 2


@pytest.mark.parametrize(
    ("ours", "theirs", "effective"),
    [("live", "paper", "paper"), ("paper", "live", "paper"), ("hybrid", "live", "hybrid"), ("live", "live", "live")],
)
def test_the_more_careful_mode_wins(ours: str, theirs: str, effective: str) -> None:
    named = {"liveSymbols": ["BTCUSDT"]} if ours == "hybrid" else {}
    order = made(from_bot(START, spec(mode=ours, **named), mandate(mode=theirs)))
    assert (order.mode, order.live_symbols) == (effective, tuple(named.get("liveSymbols", ())))


def test_an_unset_trading_state_runs_on_paper_and_pauses_elsewhere() -> None:
    assert made(from_bot(START, spec(), mandate())).trading_state == "Running"
    assert made(from_bot(START, spec(mode="live"), mandate(mode="live"))).trading_state == "Paused"
    assert made(from_bot(START, spec(mode="live"), mandate(mode="paper"))).trading_state == "Running"


@pytest.mark.parametrize(
    ("text", "halt"), [(None, None), ("", None), ("Pause", "Pause"), ("Cancel", "Cancel"), ("Flatten", "Flatten")]
)
def test_the_halt_annotation(text: str | None, halt: str | None) -> None:
    assert made(from_bot(START, spec(), mandate(), halt=text)).halt == halt


@pytest.mark.parametrize("text", ["flatten", "STOP", "true", "?"])
def test_an_unknown_halt_is_read_as_the_strongest(text: str) -> None:
    assert made(from_bot(START, spec(), mandate(), halt=text)).halt == "Flatten"


@pytest.mark.parametrize(
    ("changes", "state"),
    [
        ({}, "Running"),
        ({"trading_state": "ReduceOnly"}, "ReduceOnly"),
        ({"trading_state": "ReduceOnly", "halt": "Pause"}, "Paused"),
        ({"trading_state": "Flatten", "halt": "Pause"}, "Flatten"),
        ({"trading_state": "Paused", "halt": "Flatten"}, "Flatten"),
        ({"deleting": True}, "Flatten"),
        ({"deleting": True, "deletion_policy": "Orphan"}, "Paused"),
        ({"deleting": True, "deletion_policy": "Orphan", "halt": "Flatten"}, "Flatten"),
    ],
)
def test_the_most_severe_wins(changes: dict[str, object], state: str) -> None:
    assert trading_state(directive(**changes))[0] == state  # type: ignore[arg-type]  # fields by name


def test_static_orders_and_durations() -> None:
    order = from_static(START, StaticOrders())
    assert (order.mode, order.trading_state, order.sequence) == ("paper", "Running", None)
    assert order.limits.stale_after == 5 * SECOND
    assert order.limits.risk_per_trade_ratio == Decimal("0.02")

"""What every type of the contract promises: what is written is read back, and nothing unknown gets in."""

import importlib
import json
import pkgutil
from collections.abc import Iterator
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

import tradefleet_api
from tradefleet_api.base import Contract
from tradefleet_api.botconfig import BotConfig
from tradefleet_api.botstatus import BotStatus
from tradefleet_api.duration import seconds
from tradefleet_api.refusal import sentence


def contracts(base: type[Contract] = Contract) -> Iterator[type[Contract]]:
    for module in pkgutil.iter_modules(tradefleet_api.__path__, "tradefleet_api."):
        importlib.import_module(module.name)
    for found in base.__subclasses__():
        yield found
        yield from contracts(found)


ALL = sorted(set(contracts()), key=lambda found: f"{found.__module__}.{found.__name__}")


@pytest.mark.parametrize("model", ALL, ids=lambda model: model.__name__)
def test_what_may_be_none_may_be_absent(model: type[Contract]) -> None:
    """`to_wire` leaves None out, so a field that may be None and has no default could not be read back."""
    for name, field in model.model_fields.items():
        if type(None) in get_args(field.annotation):
            assert not field.is_required(), f"{model.__name__}.{name}"


TEXT = st.text(max_size=9)
QUOTE = st.floats(allow_nan=False, allow_infinity=False)
FLAGS = dict.fromkeys(("ordersFresh", "connected", "warm", "reconciled", "flat"), st.booleans())
POSITION = st.fixed_dictionaries(
    {"symbol": TEXT, "quantity": TEXT, "entryPrice": TEXT, "unrealizedQuote": QUOTE}, optional={"stopPrice": TEXT}
)
DECISION = st.fixed_dictionaries(
    {"time": TEXT, "symbol": TEXT, "action": st.just("HOLD"), "outcome": st.just("held"), "reason": TEXT},
    optional={"score": QUOTE},
)
REPORT = st.fixed_dictionaries(
    {
        "namespace": TEXT,
        "name": TEXT,
        "arm": st.sampled_from(["stable", "shadow"]),
        "model": TEXT,
        "modelDigest": TEXT,
        "mode": st.sampled_from(["paper", "live"]),
        "tradingState": st.just("Running"),
        "startedAt": TEXT,
        **FLAGS,
    },
    optional={
        "mandateSequence": st.integers(0),
        "halted": TEXT,
        "equityQuote": QUOTE,
        "refusals": st.dictionaries(TEXT, st.integers(0), max_size=3),
        "positions": st.lists(POSITION, max_size=2),
        "lastDecision": DECISION,
        "eventTime": TEXT,
    },
)


@given(REPORT)
def test_a_report_is_read_as_it_was_written(wire: dict[str, Any]) -> None:
    report = BotStatus.model_validate(wire)
    assert BotStatus.model_validate_json(json.dumps(report.to_wire())) == report
    assert wire.items() <= report.to_wire().items()


CONFIG: dict[str, Any] = {
    "bot": {"name": "btc"},
    "model": {"name": "demo-v1", "sha256": "a" * 64},
    "venue": {"type": "sim", "rest": "http://127.0.0.1:9010", "stream": "ws://127.0.0.1:9010"},
    "symbols": ["BTCUSDT"],
}


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"symbols": []}, "symbols: List should have at least 1 item"),
        ({"orders": {"risk": {"maxLeverage": 50}}}, "orders.risk.maxLeverage: Input should be less than or equal"),
        ({"orders": {"risk": {"stopAtr": 9}}}, "orders.risk: takeProfitAtr must be greater than stopAtr"),
        ({"decisionInterval": "2h"}, "decisionInterval: must be between 1s and 1h"),
        ({"model": {"name": "x", "sha256": "short"}}, "model.sha256: String should match pattern"),
        ({"venue": {**CONFIG["venue"], "rest": "ftp://x"}}, "venue.rest: must be a base URL"),
        ({"simbols": 1}, "simbols: Extra inputs are not permitted"),
    ],
    ids=lambda value: "" if isinstance(value, dict) else value.split(":")[0],
)  # fmt: skip
def test_a_local_run_obeys_the_same_rules(change: dict[str, Any], says: str) -> None:
    BotConfig.model_validate(CONFIG)
    with pytest.raises(ValidationError) as caught:
        BotConfig.model_validate(CONFIG | change)
    assert sentence(caught.value).startswith(says)


@given(st.integers(0, 9), st.integers(0, 99), st.integers(0, 99), st.integers(0, 99), st.integers(0, 999))
def test_durations(days: int, hours: int, minutes: int, secs: int, millis: int) -> None:
    text = f"{days}d{hours}h{minutes}m{secs}s{millis}ms"
    assert seconds(text) == pytest.approx(days * 86400 + hours * 3600 + minutes * 60 + secs + millis / 1000)


@given(st.text(alphabet="0123456789dhms. -", max_size=8))
def test_other_durations_are_refused_with_the_form(text: str) -> None:
    try:
        assert seconds(text) >= 0
    except ValueError as error:
        assert "write it as 30s" in str(error)

"""No field without effect: what the spec offers, some part reads."""

import re
from collections.abc import Iterator

import pytest
from pydantic import BaseModel
from support.kube import ROOT

from tradefleet_api.mandate import Mandate
from tradefleet_api.modelversion import ModelVersionSpec
from tradefleet_api.tradingbot import TradingBotSpec
from tradefleet_bot.core.directive import from_bot

PARTS = ("bot", "operator")


def leaves(model: type[BaseModel], path: str) -> Iterator[tuple[str, str]]:
    """(dotted path, attribute name) of each field that holds a value rather than more fields."""
    for name, field in model.model_fields.items():
        inner = [
            found
            for found in (field.annotation, *getattr(field.annotation, "__args__", ()))
            if isinstance(found, type) and issubclass(found, BaseModel)
        ]
        if inner:
            yield from leaves(inner[0], f"{path}.{name}")
        else:
            yield f"{path}.{name}", name


def source() -> str:
    return "\n".join(file.read_text() for part in PARTS for file in (ROOT / part).rglob("*.py"))


FIELDS = [*leaves(TradingBotSpec, "TradingBot"), *leaves(ModelVersionSpec, "ModelVersion")]


@pytest.mark.parametrize(("path", "name"), FIELDS, ids=[path for path, _ in FIELDS])
def test_some_part_reads_it(path: str, name: str) -> None:
    assert re.search(rf"\.{name}\b", source()), f"{path}: nothing acts on it, so it must not be offered"


def test_live_symbols_reach_the_engine() -> None:
    spec = TradingBotSpec.model_validate(
        {"symbols": ["BTCUSDT", "ETHUSDT"], "mode": "hybrid", "liveSymbols": ["ETHUSDT"], "model": {"name": "m"}}
    )
    mandate = Mandate(
        sequence=1, model_digest="a" * 64, mode="hybrid", capital_quote=1, max_leverage=1, max_position_ratio=1
    )
    directive = from_bot(0, spec, mandate)
    assert directive is not None
    assert (directive.mode, directive.live_symbols) == ("hybrid", ("ETHUSDT",))

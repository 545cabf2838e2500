"""The registry: names, the hash of the schema, and the generated page."""

from pathlib import Path

import pytest

from tradefleet_bot.core.features import REGISTRY, FeatureSet, UnknownFeatureError, schema_hash
from tradefleet_bot.core.features.page import page

PAGE = Path(__file__).parents[3] / "docs/reference/features.md"


def test_the_page_is_what_the_registry_generates() -> None:
    assert PAGE.read_text() == page(), "run: python -m tradefleet_bot.core.features.page > docs/reference/features.md"


def test_names_are_unique_and_fit_a_manifest() -> None:
    assert all(
        name == spec.name and name.replace("_", "").isalnum() and name[0].islower() for name, spec in REGISTRY.items()
    )
    assert len(REGISTRY) == page().count("\n| `")


def test_the_hash_depends_on_names_and_order() -> None:
    assert schema_hash(["spread", "return_5s"]) != schema_hash(["return_5s", "spread"])
    assert schema_hash(["spread"]) == "6f7025937a67d567e49e2494c796d687cd3c7adf9ed846915351ab4565ea4b0a"


def test_an_unknown_name_is_refused_with_the_name() -> None:
    with pytest.raises(UnknownFeatureError, match="'rsi'"):
        schema_hash(["rsi"])
    with pytest.raises(UnknownFeatureError, match="'rsi'"):
        FeatureSet(["rsi"], "BTCUSDT")


def test_streams_are_the_union_of_the_inputs() -> None:
    assert FeatureSet(["spread", "basis", "time_of_day_sin"], "BTCUSDT").streams == {"quote", "mark"}

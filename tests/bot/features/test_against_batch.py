"""Incremental equals batch: at every prefix of made-up markets with flaws, and along the recordings."""

from typing import Any

import numpy as np
import pytest
from bot.features.batch import Batch
from bot.features.streams import MS, RECORDINGS, SYMBOL, S, markets, recording
from hypothesis import given, settings

from tradefleet_bot.core.events import OpenInterest, Trade
from tradefleet_bot.core.features import REGISTRY, FeatureSet

NAMES = tuple(REGISTRY)
START = 1_723_161_000 * S


def check(batch: Batch, features: FeatureSet, prefix: int, at: int) -> int:
    """Compare all features; how many were known."""
    known = 0
    for name, value in features.values(at).items():
        expected = batch.value(name, prefix, at)
        assert (value is None) == (expected is None), f"{name} at prefix {prefix}: {value}, batch {expected}"
        if value is not None:
            assert np.isclose(value, expected, rtol=1e-10, atol=1e-12), (
                f"{name} at prefix {prefix}: {value}, batch {expected}"
            )
            known += 1
    return known


@settings(max_examples=6, deadline=None)
@given(markets(size=250))
def test_every_prefix_of_a_made_up_market(events: list[Any]) -> None:
    batch = Batch(events)
    features = FeatureSet(NAMES, SYMBOL)
    for prefix, event in enumerate(events, start=1):
        features.update(event)
        check(batch, features, prefix, event.at + (0, 70 * MS, 2 * S, 8 * S)[prefix % 4])


def test_the_longest_windows() -> None:
    events: list[Any] = []
    for number in range(201):
        at = START + number * 5 * S
        events.append(Trade(at, at, SYMBOL, 60_000.0 + number % 7 - number % 13, 1.0, "BUY"))
        events.append(OpenInterest(at, at, SYMBOL, 80_000.0 + number))
    batch = Batch(events)
    features = FeatureSet(("atr_60s", "open_interest_change_300s"), SYMBOL)
    known = 0
    for prefix, event in enumerate(events, start=1):
        features.update(event)
        known += check(batch, features, prefix, event.at + 20 * S * (prefix % 2))
    assert known > 300


@pytest.mark.parametrize("name", RECORDINGS)
def test_along_a_recording(name: str) -> None:
    events = recording(name)
    batch = Batch(events)
    features = FeatureSet(NAMES, SYMBOL)
    known = set()
    for prefix, event in enumerate(events, start=1):
        features.update(event)
        if prefix % 3000 == 0:
            check(batch, features, prefix, event.at)
            known.update(found for found, value in features.values(event.at).items() if value is not None)
    absent = {"open_interest", "liquidation"} | ({"mark"} if "2024" in name else {"depth"})
    expected = {found for found, spec in REGISTRY.items() if not spec.inputs & absent} - {"atr_60s"}
    assert known == expected

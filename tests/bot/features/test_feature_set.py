"""Every feature: finite on anything, unmoved by being asked, alone as in a set, steady over a long run."""

import math
from typing import Any

import numpy as np
from bot.features.batch import Batch
from bot.features.streams import MS, SYMBOL, S, impossible, markets, times
from hypothesis import given, settings
from hypothesis import strategies as st

from tradefleet_bot.core.book import Book
from tradefleet_bot.core.events import DepthDelta, DepthSnapshot, FeedState, Quote, Trade
from tradefleet_bot.core.features import REGISTRY, FeatureSet, create

NAMES = tuple(REGISTRY)
START = 1_723_161_000 * S


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(impossible, times), max_size=30))
def test_no_events_break_it_and_no_value_is_not_finite(steps: list[tuple[Any, int]]) -> None:
    features = FeatureSet(NAMES, SYMBOL)
    out = np.empty(len(NAMES), np.float32)
    for event, at in steps:
        features.update(event)
        for moment in (at, event.at, event.at + S):
            missing = features.vector(moment, out)
            assert [name for name, value in zip(NAMES, out, strict=True) if not math.isfinite(value)] == list(missing)
            assert all(value is None or math.isfinite(value) for value in features.values(moment).values())


@settings(max_examples=20, deadline=None)
@given(markets(size=100), st.lists(st.integers(0, 40 * S), min_size=1, max_size=5))
def test_asking_changes_nothing(events: list[Any], ahead: list[int]) -> None:
    asked, quiet = FeatureSet(NAMES, SYMBOL), FeatureSet(NAMES, SYMBOL)
    for number, event in enumerate(events):
        asked.update(event)
        quiet.update(event)
        asked.values(event.at + ahead[number % len(ahead)])
    assert asked.values(events[-1].at) == quiet.values(events[-1].at)


@settings(max_examples=10, deadline=None)
@given(markets(size=100))
def test_a_feature_alone_is_the_feature_in_a_set(events: list[Any]) -> None:
    together = FeatureSet(NAMES, SYMBOL)
    alone = {name: create(name) for name in NAMES}
    for event in events:
        together.update(event)
        for feature in alone.values():
            feature.update(event)
    assert together.values(events[-1].at) == {name: feature.get(events[-1].at) for name, feature in alone.items()}


def test_other_symbols_are_ignored() -> None:
    features = FeatureSet(["spread"], SYMBOL)
    features.update(Quote(START, START, "ETHUSDT", 10.0, 1.0, 11.0, 1.0))
    assert features.values(START) == {"spread": None}


def test_missing_is_nan_in_the_vector_and_named() -> None:
    features = FeatureSet(["return_5s", "spread"], SYMBOL)
    features.update(Quote(START, START, SYMBOL, 99.0, 1.0, 101.0, 1.0))
    out = np.zeros(2, np.float32)
    assert features.vector(START, out) == ("return_5s",)
    assert math.isnan(out[0])
    assert out[1] == np.float32(0.02)


def test_a_stale_stream_and_a_feed_that_is_down_are_missing() -> None:
    features = FeatureSet(["spread", "quote_imbalance"], SYMBOL)
    quote = Quote(START, START, SYMBOL, 99.0, 1.0, 101.0, 1.0)
    features.update(quote)
    assert features.values(START + 5 * S)["spread"] == 0.02
    assert features.values(START + 5 * S + 1)["spread"] is None
    features.update(FeedState(START + S, SYMBOL, "trade", False))
    assert features.values(START)["spread"] == 0.02
    features.update(FeedState(START + S, SYMBOL, "quote", False))
    assert features.values(START) == {"spread": None, "quote_imbalance": None}


def test_history_does_not_bridge_a_gap() -> None:
    features = FeatureSet(["return_5s"], SYMBOL)
    for second in [*range(10), *range(20, 30)]:
        at = START + second * S
        features.update(Quote(at, at, SYMBOL, 99.0, 1.0, 101.0, 1.0))
        assert (features.values(at)["return_5s"] is None) == (second < 6 or 20 <= second < 26), second


def test_one_event_from_the_future_costs_the_history_but_not_the_feature() -> None:
    features = FeatureSet(["return_1s"], SYMBOL)
    known = []
    for tenth in range(200):
        at = START + tenth * 100 * MS
        features.update(Quote(at, at + (3600 * S if tenth == 30 else 0), SYMBOL, 99.0, 1.0, 101.0, 1.0))
        if features.values(at)["return_1s"] is not None:
            known.append(tenth)
    assert known[0] == 11
    assert 30 not in known
    assert known[-1] == 199


def test_a_book_of_the_caller_is_read_not_kept() -> None:
    book = Book()
    features = FeatureSet(["book_imbalance_5"], SYMBOL, book)
    snapshot = DepthSnapshot(START, START, SYMBOL, ((99.0, 3.0),), ((101.0, 1.0),))
    book.apply(snapshot)
    features.update(snapshot)
    assert features.values(START) == {"book_imbalance_5": 0.5}
    features.update(DepthDelta(START, START, SYMBOL, ((99.0, 1.0),), ()))
    assert features.values(START) == {"book_imbalance_5": 0.5}


def test_a_million_updates_do_not_drift() -> None:
    """At a price of 60,000, in one-tick moves: volatility to 1e-9, and the others with windows no worse."""
    names = ("volatility_60s", "volatility_5s", "zscore_60s", "return_60s", "flow_imbalance_60s", "atr_1s")
    features = FeatureSet(names, SYMBOL)
    step, count = 7 * MS, 500_000
    moves = np.random.default_rng(5).integers(-1, 2, count).cumsum() % 100
    kept: list[Any] = []
    at = START
    for number, move in enumerate(moves.tolist()):
        at += step
        bid = 60_000 + move / 10
        quote = Quote(at, at, SYMBOL, bid, 1.0, bid + 0.1, 2.0)
        trade = Trade(at, at, SYMBOL, bid, 0.001 * (1 + move), "BUY" if move % 3 else "SELL")
        features.update(quote)
        features.update(trade)
        if number >= count - 100 * S // step:
            kept += [quote, trade]
    batch = Batch(kept)  # of the last 100 s: Wilder's average still remembers 2 permille of what came before
    values = features.values(at)
    for name in names:
        assert values[name] is not None
        assert np.isclose(values[name], batch.value(name, len(kept), at), rtol=1e-9 if name != "atr_1s" else 1e-6), name

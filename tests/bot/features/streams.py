"""Event streams for the tests: plausible ones with flaws, impossible ones, and the recordings."""

import gzip
import json
import os
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import strategies as st

from tradefleet_bot.core.events import (
    DepthDelta,
    DepthSnapshot,
    FeedState,
    Levels,
    Liquidation,
    MarkPrice,
    OpenInterest,
    Quote,
    Side,
    Trade,
)

MS = 1_000_000
S = 1000 * MS
SYMBOL = "BTCUSDT"
STREAMS = ("trade", "quote", "depth", "mark", "open_interest", "liquidation")
DATA = Path(os.environ.get("TRADEFLEET_DATA", Path(__file__).parents[4] / "shared/data"))
RECORDINGS = {"binance_usdm_btcusdt_20240808.raw.gz": 1, "binance_usdm_btcusdt_20230405.raw.gz": 1000}
"""Files, and their receive times' unit in ns."""

PACES = [(100 * MS, "qqttdsmol"), (400 * MS, "qqqqqqqttdsmol"), (1200 * MS, "qqttdsmol"), (5 * S, "tttolol")]
"""Mean time between events and the kinds of events: the slower the market, the longer the windows that are covered."""

sides: st.SearchStrategy[Side] = st.sampled_from(["BUY", "SELL"])


@st.composite
def markets(draw: st.DrawFn, size: int) -> list[Any]:
    """A market near 60,000, rarely with gaps, late events, duplicates, feeds that go down, or a bad clock."""
    start = 1_723_161_255 * S + draw(st.integers(0, 10 * S))
    offset = draw(st.sampled_from([0, 1272 * MS, -40 * MS]))
    step, kinds = draw(st.sampled_from(PACES))
    random = Random(draw(st.integers(0, 2**32 - 1)))  # one seed: shrinking a market of its own draws takes minutes
    flaw = draw(st.sampled_from([0.0, 0.01, 0.1]))
    events: list[Any] = [FeedState(start, SYMBOL, "liquidation", True)] if random.random() < 0.7 else []
    at, price = start, 600_000
    for _ in range(size):
        at += random.randrange(2 * step)
        delay = random.randrange(30 * MS)
        if random.random() < flaw:
            match random.randrange(5):
                case 0:
                    at += random.choice([6, 12, 31, 70]) * S
                case 1:
                    delay = random.choice([400 * MS, 900 * MS, 3 * S])
                case 2:
                    delay = -random.choice([800 * MS, 20 * S, 3600 * S])
                case 3:
                    events.append(FeedState(at, SYMBOL, random.choice(STREAMS), random.random() < 0.5))
                case _ if events:
                    events.append(events[-1])
        price += random.choice([-9, -1, 0, 0, 1, 9])
        events.append(_event(random, random.choice(kinds), at, at + offset - delay, price))
    return events


def _event(random: Any, kind: str, at: int, ts: int, ticks: int) -> Any:
    price = ticks / 10
    quantity = random.randrange(10_000) / 1000
    side: Side = random.choice(["BUY", "SELL"])
    match kind:
        case "q":
            return Quote(
                at,
                ts,
                SYMBOL,
                price,
                quantity,
                (ticks + random.choice([0, 1, 1, 5])) / 10,
                random.randrange(9000) / 1000,
            )
        case "t":
            return Trade(at, ts, SYMBOL, price, quantity, side)
        case "d":
            return DepthDelta(at, ts, SYMBOL, _levels(random, ticks, -1, 3), _levels(random, ticks, 1, 3))
        case "s":
            return DepthSnapshot(at, ts, SYMBOL, _levels(random, ticks, -1, 30), _levels(random, ticks, 1, 30))
        case "m":
            funding = random.choice([None, ts + 100 * S, ts - S, ts + 90_000 * S])
            return MarkPrice(
                at, ts, SYMBOL, price, random.choice([None, price + 20]), random.choice([None, 1e-4]), funding
            )
        case "o":
            return OpenInterest(at, ts, SYMBOL, 80_000 + quantity)
        case _:
            return Liquidation(at, ts, SYMBOL, price, quantity, side)


def _levels(random: Any, ticks: int, direction: int, count: int) -> Levels:
    return tuple(
        ((ticks + direction * random.randrange(1, 40)) / 10, random.choice([0.0, random.randrange(1, 5000) / 1000]))
        for _ in range(random.randrange(count))
    )


numbers = st.floats(allow_nan=False, allow_infinity=False) | st.floats(59_000, 61_000) | st.just(0.0)
times = st.integers(-(2**62), 2**63 - 1) | st.integers(1_723_161_255 * S, 1_723_161_355 * S)
levels = st.lists(st.tuples(numbers, numbers), max_size=6).map(tuple)
impossible = st.one_of(
    st.builds(Trade, times, times, st.just(SYMBOL), numbers, numbers, sides),
    st.builds(Quote, times, times, st.just(SYMBOL), numbers, numbers, numbers, numbers),
    st.builds(DepthSnapshot, times, times, st.just(SYMBOL), levels, levels),
    st.builds(DepthDelta, times, times, st.just(SYMBOL), levels, levels),
    st.builds(
        MarkPrice, times, times, st.just(SYMBOL), numbers, st.none() | numbers, st.none() | numbers, st.none() | times
    ),
    st.builds(OpenInterest, times, times, st.just(SYMBOL), numbers),
    st.builds(Liquidation, times, times, st.just(SYMBOL), numbers, numbers, sides),
    st.builds(FeedState, times, st.just(SYMBOL), st.sampled_from(STREAMS), st.booleans()),
)
"""Any event with any finite numbers and times."""


def recording(name: str) -> list[Any]:
    """The events of a recording; skips the test where it is absent."""
    path = DATA / name
    if not path.exists():
        pytest.skip(f"no recording {path} (set TRADEFLEET_DATA to the folder that holds it)")
    return list(_decoded(path, RECORDINGS[name]))


def _decoded(path: Path, unit: int) -> Iterator[Any]:
    with gzip.open(path) as file:
        yield from (_event_of(line, unit) for line in file)


def _event_of(line: bytes, unit: int) -> Any:
    received, text = line.split(b" ", 1)
    at = int(received) * unit
    frame = json.loads(text)
    data = frame.get("data", frame)
    ts = data["E" if data.get("e") == "markPriceUpdate" else "T"] * MS
    match data.get("e"):
        case "bookTicker":
            return Quote(at, ts, SYMBOL, float(data["b"]), float(data["B"]), float(data["a"]), float(data["A"]))
        case "trade":
            return Trade(at, ts, SYMBOL, float(data["p"]), float(data["q"]), "SELL" if data["m"] else "BUY")
        case "depthUpdate":
            return DepthDelta(at, ts, SYMBOL, _pairs(data["b"]), _pairs(data["a"]))
        case "markPriceUpdate":
            return MarkPrice(at, ts, SYMBOL, float(data["p"]), float(data["i"]), float(data["r"]), data["T"] * MS)
        case None:
            return DepthSnapshot(at, ts, SYMBOL, _pairs(data["bids"]), _pairs(data["asks"]))


def _pairs(pairs: list[list[str]]) -> Levels:
    return tuple((float(price), float(quantity)) for price, quantity in pairs)

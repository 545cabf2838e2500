"""What a model sees of a market: the bot's own features at decision times, read from raw frames by the bot's own codec.

Training and evaluation both come through here, so neither can see anything that the bot would not.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tradefleet_bot.core.events import (
    DepthDelta,
    DepthSnapshot,
    Event,
    FeedState,
    Liquidation,
    MarkPrice,
    OpenInterest,
    Quote,
    Trade,
)
from tradefleet_bot.core.features import FeatureSet

NS: Final = 1_000_000_000
_READ: Final = (Trade, Quote, DepthSnapshot, DepthDelta, MarkPrice, OpenInterest, Liquidation, FeedState)


@dataclass(frozen=True, slots=True)
class Market:
    """An unbroken run of decisions, one row each."""

    at: NDArray[np.int64]
    """Decision time, ns of the epoch."""
    bid: NDArray[np.float64]
    ask: NDArray[np.float64]
    features: NDArray[np.float32]
    """[N, F], nothing missing."""

    def __len__(self) -> int:
        return len(self.at)

    @property
    def mid(self) -> NDArray[np.float64]:
        """Mid price at each decision."""
        return (self.bid + self.ask) / 2

    def rows(self, begin: int, end: int) -> "Market":
        """Decisions `begin` to `end`."""
        return Market(*(getattr(self, field.name)[begin:end] for field in fields(self)))


def observe(
    events: Iterable[Event], symbol: str, names: Sequence[str], interval: int, shortest: int = 2
) -> list[Market]:
    """Unbroken runs of complete feature vectors, one a decision, every `interval` ns of engine time.

    As in the engine, a decision falls on the multiple of `interval` that an event crosses, before that event is taken
    in; an interval without any event has no decision of its own. A missing feature ends a run; runs of fewer than
    `shortest` decisions are left out.
    """
    return [market for market in _runs(events, symbol, names, interval) if len(market) >= shortest]


def _runs(events: Iterable[Event], symbol: str, names: Sequence[str], interval: int) -> Iterator[Market]:
    features, vector = FeatureSet(names, symbol), np.zeros(len(names), np.float32)
    quote: Quote | None = None
    due: int | None = None
    rows: list[tuple[int, float, float, NDArray[np.float32]]] = []
    for event in events:
        at = event.at
        if due is None or at >= due:
            decided_at = at // interval * interval
            missing = features.vector(decided_at, vector)
            if quote is not None and due is not None and not missing:
                rows.append((decided_at, quote.bid, quote.ask, vector.copy()))
            elif rows:
                yield _market(rows)
                rows = []
            due = decided_at + interval
        if isinstance(event, _READ):
            features.update(event)
            if isinstance(event, Quote) and event.symbol == symbol:
                quote = event
    if rows:
        yield _market(rows)


def _market(rows: list[tuple[int, float, float, NDArray[np.float32]]]) -> Market:
    at, bid, ask, vectors = zip(*rows, strict=True)
    return Market(np.array(at, np.int64), np.array(bid), np.array(ask), np.stack(vectors))

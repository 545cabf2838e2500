"""What the engine itself needs of a symbol's market: the best prices, the mark, and whether the data can be trusted."""

from decimal import Decimal

from tradefleet_bot.core.events import (
    DepthDelta,
    DepthSnapshot,
    FeedState,
    MarketEvent,
    MarkPrice,
    Quote,
    Stream,
    Trade,
)
from tradefleet_bot.core.orders.rounding import exact

AGED: tuple[Stream, ...] = ("quote", "depth", "mark")
"""Streams that a venue sends all the time: silence means that they are dead. Trades may pause in a calm market."""


class Market:
    """One symbol. Prices are floats as received; the properties give them exact."""

    __slots__ = ("_down", "_seen_at", "ask", "bid", "last", "mark")

    def __init__(self) -> None:
        self.bid: float | None = None
        self.ask: float | None = None
        self.mark: float | None = None
        self.last: float | None = None
        self._seen_at: dict[Stream, int] = {}
        self._down: dict[Stream, str] = {}

    def update(self, event: MarketEvent) -> None:
        """Take in one market event."""
        kind = type(event)
        if kind is Quote:
            self.bid, self.ask = event.bid, event.ask  # type: ignore[union-attr]  # `kind` narrowed it; isinstance costs twice
            self._seen_at["quote"] = event.at
        elif kind is Trade:
            self.last = event.price  # type: ignore[union-attr]  # as above
            self._seen_at["trade"] = event.at
        elif kind is DepthDelta or kind is DepthSnapshot:
            self._seen_at["depth"] = event.at
        elif kind is MarkPrice:
            self.mark = event.mark  # type: ignore[union-attr]  # as above
            self._seen_at["mark"] = event.at

    def feed(self, event: FeedState) -> None:
        """Take in that a stream went up or down."""
        if event.up:
            self._down.pop(event.stream, None)
        else:
            self._down[event.stream] = event.reason or "down"

    def fault(self, at: int, stale_after: int, required: tuple[Stream, ...]) -> str | None:
        """A sentence where a required stream (or the quotes, always) is down, silent or not there yet."""
        for stream in ("quote", *required):
            reason = self._down.get(stream)
            if reason is not None:
                return f"the {stream} stream is down: {reason}"
            if stream not in AGED:
                continue
            seen = self._seen_at.get(stream)
            if seen is None:
                return f"no {stream} data yet"
            if at - seen > stale_after:
                return f"the last {stream} data is {(at - seen) // 1_000_000} ms old"
        if self.bid is None or self.ask is None or not 0 < self.bid < self.ask:
            return "the best bid and offer are crossed or empty"
        return None

    @property
    def prices(self) -> tuple[Decimal | None, Decimal | None, Decimal | None]:
        """Bid, ask and mark."""
        return (
            None if self.bid is None else exact(self.bid),
            None if self.ask is None else exact(self.ask),
            None if self.mark is None else exact(self.mark),
        )

    @property
    def value(self) -> Decimal | None:
        """What a unit of the position is worth now: mark, else mid, else the last trade."""
        if self.mark is not None:
            return exact(self.mark)
        if self.bid is not None and self.ask is not None:
            return (exact(self.bid) + exact(self.ask)) / 2
        return None if self.last is None else exact(self.last)

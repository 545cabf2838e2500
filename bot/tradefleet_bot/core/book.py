"""An order book from snapshots and deltas, shared by the features and by paper fills.

It only keeps levels; that the sequence is without gaps is the venue's book builder's business. Deltas before the first
snapshot are ignored: half a book is no book. Prices stand in sorted lists, best last (asks negated), because a market
moves at its best prices, and a list inserts and deletes at its end without moving the thousands of levels behind them.
"""

from bisect import bisect_left, insort
from typing import Final, Literal

from tradefleet_bot.core.events import DepthDelta, DepthSnapshot, Levels, Side

MAX_VALUE: Final = 1e15
"""Prices and quantities from here on are garbage; such levels are ignored."""


class Book:
    """Levels of both sides by price.

    >>> book = Book()
    >>> book.apply(DepthSnapshot(0, 0, "BTCUSDT", ((100.0, 2.0), (99.0, 1.0)), ((101.0, 3.0),)))
    >>> book.apply(DepthDelta(1, 1, "BTCUSDT", ((100.0, 0.0), (98.0, 5.0)), ((101.0, 4.0),)))
    >>> book.bids(5), book.asks(5)
    ([(99.0, 1.0), (98.0, 5.0)], [(101.0, 4.0)])
    """

    __slots__ = ("_ask_keys", "_asks", "_bid_keys", "_bids", "ready")

    def __init__(self) -> None:
        self._bids: dict[float, float] = {}
        self._asks: dict[float, float] = {}
        self._bid_keys: list[float] = []  # prices, ascending
        self._ask_keys: list[float] = []  # negated prices, ascending
        self.ready = False
        """A snapshot has been applied since the start or the last `clear`."""

    def apply(self, event: DepthSnapshot | DepthDelta) -> None:
        """Take in one event; events apply in the order of their arrival."""
        if type(event) is DepthSnapshot:
            self.clear()
            self.ready = True
        elif not self.ready:
            return
        _apply(event.bids, self._bids, self._bid_keys, 1.0)
        _apply(event.asks, self._asks, self._ask_keys, -1.0)

    def clear(self) -> None:
        """Forget everything: the stream has a gap."""
        self._bids.clear()
        self._asks.clear()
        self._bid_keys.clear()
        self._ask_keys.clear()
        self.ready = False

    def bids(self, count: int) -> list[tuple[float, float]]:
        """The best `count` bids as (price, quantity), best first; fewer where the book has fewer."""
        quantities = self._bids
        return [(price, quantities[price]) for price in self._bid_keys[: -count - 1 : -1]]

    def asks(self, count: int) -> list[tuple[float, float]]:
        """The best `count` asks as (price, quantity), best first; fewer where the book has fewer."""
        quantities = self._asks
        return [(-key, quantities[-key]) for key in self._ask_keys[: -count - 1 : -1]]

    @property
    def best_bid(self) -> float | None:
        """Highest bid price."""
        return self._bid_keys[-1] if self._bid_keys else None

    @property
    def best_ask(self) -> float | None:
        """Lowest ask price."""
        return -self._ask_keys[-1] if self._ask_keys else None

    @property
    def sound(self) -> bool:
        """Both sides are there and do not cross: a crossed book has missed something."""
        return bool(self._bid_keys and self._ask_keys) and self._bid_keys[-1] < -self._ask_keys[-1]

    def quantity(self, side: Side, price: float) -> float:
        """What is displayed at a price by the resting orders of a side (BUY: bids); 0.0 where the level is empty."""
        return (self._bids if side == "BUY" else self._asks).get(price, 0.0)

    def depth(self) -> dict[Literal["bids", "asks"], int]:
        """How many levels each side has."""
        return {"bids": len(self._bid_keys), "asks": len(self._ask_keys)}


def _apply(levels: Levels, quantities: dict[float, float], keys: list[float], sign: float) -> None:
    for price, quantity in levels:
        if 0.0 < quantity < MAX_VALUE:
            if price in quantities:
                quantities[price] = quantity
            elif 0.0 < price < MAX_VALUE:
                quantities[price] = quantity
                insort(keys, sign * price)
        elif quantities.pop(price, None) is not None:
            del keys[bisect_left(keys, sign * price)]

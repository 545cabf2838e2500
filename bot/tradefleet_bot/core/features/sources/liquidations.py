"""Forced orders: notional by the side that was liquidated, per second over the last five minutes.

The stream is silent most of the time, and silence is information. So its clock is engine time from the moment that the
stream is known to be up (FeedState, or a first event), and an event's own time only places it: never before the newest
one, never further from the clock than the tolerance for reordering.
"""

from typing import ClassVar, Final

from tradefleet_bot.core.events import FeedState, Liquidation, Stream
from tradefleet_bot.core.features.sources.base import MAX_VALUE, MIN_PRICE, NEVER, REORDER, SECOND, Source
from tradefleet_bot.core.features.sources.grid import SumGrid

WIDTH: Final = 1 * SECOND
SPAN: Final = 300 * SECOND
LONGS, SHORTS = range(2)


class LiquidationSource(Source[Liquidation]):
    """Liquidated notional in quote currency: column LONGS from SELL orders, SHORTS from BUY orders."""

    stream: ClassVar[Stream] = "liquidation"
    events: ClassVar[tuple[type, ...]] = (Liquidation,)

    __slots__ = ("sums",)

    def __init__(self) -> None:
        super().__init__()
        self.sums = SumGrid(WIDTH, SPAN, columns=2)

    def clear(self) -> None:
        self.sums.clear()

    def feed(self, event: FeedState) -> None:
        super().feed(event)
        if event.up and self.at == NEVER:
            self._start(event.at, event.at)

    def now(self, at: int) -> int | None:
        return None if self.at == NEVER else super().now(at)

    def update(self, event: Liquidation) -> None:
        price = event.price
        quantity = event.quantity
        if not (MIN_PRICE <= price <= MAX_VALUE and 0.0 <= quantity <= MAX_VALUE):
            return
        if self.at == NEVER:
            self._start(event.ts, event.at)
        clock = self.ts + max(0, event.at - self.at)
        self.ts = max(self.ts, clock - REORDER, min(event.ts, clock + REORDER))
        self.at = max(self.at, event.at)
        self.sums.add(self.ts, LONGS if event.side == "SELL" else SHORTS, price * quantity)

    def _start(self, ts: int, at: int) -> None:
        self.clear()
        self.ts = ts
        self.at = at
        self.sums.roll(ts)

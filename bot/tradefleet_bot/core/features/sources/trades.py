"""Trades: bought and sold quantity and their count per 250 ms over the last minute, and bars for true ranges."""

from typing import ClassVar, Final

from tradefleet_bot.core.events import Stream, Trade
from tradefleet_bot.core.features.sources.base import MAX_VALUE, MILLISECOND, MIN_PRICE, SECOND, Source
from tradefleet_bot.core.features.sources.grid import SumGrid

WIDTH: Final = 250 * MILLISECOND
SPAN: Final = 60 * SECOND
BOUGHT, SOLD, COUNT = range(3)


class TradeSource(Source[Trade]):
    """Sums by aggressor side."""

    stream: ClassVar[Stream] = "trade"
    events: ClassVar[tuple[type, ...]] = (Trade,)

    __slots__ = ("sums",)

    def __init__(self) -> None:
        super().__init__()
        self.sums = SumGrid(WIDTH, SPAN, columns=3)

    def clear(self) -> None:
        self.sums.clear()

    def update(self, event: Trade) -> None:
        quantity = event.quantity
        if not (
            MIN_PRICE <= event.price <= MAX_VALUE and 0.0 <= quantity <= MAX_VALUE and self._advance(event.ts, event.at)
        ):
            return
        sums = self.sums
        if self.ts >= sums.end:
            sums.roll(self.ts)
        index = sums.index
        columns = sums.columns
        columns[BOUGHT if event.side == "BUY" else SOLD][index] += quantity
        columns[COUNT][index] += 1.0


class BarSource(Source[Trade]):
    """Bars of fixed length from trades, and Wilder's average of their true ranges.

    The first bar is cut off at its start, so it only gives the close that the next one needs. A bar without trades
    stays at the last close: its true range is 0.
    """

    stream: ClassVar[Stream] = "trade"
    events: ClassVar[tuple[type, ...]] = (Trade,)

    __slots__ = ("_average", "_bars", "_count", "_end", "_high", "_length", "_low", "_previous", "close")

    def __init__(self, length: int, bars: int) -> None:
        super().__init__()
        self._length = length
        self._bars = bars
        self.close = 0.0
        """Price of the last trade."""
        self.clear()

    def clear(self) -> None:
        self._previous = self._high = self._low = self._average = 0.0
        self._end = 0
        self._count = -1  # bars closed, not counting the one that is cut off; -1 while no trade was seen

    def update(self, event: Trade) -> None:
        price = event.price
        if not (
            MIN_PRICE <= price <= MAX_VALUE and 0.0 <= event.quantity <= MAX_VALUE and self._advance(event.ts, event.at)
        ):
            return
        if self._count < 0 or self.ts >= self._end:
            self._open(price)
        elif price > self._high:
            self._high = price
        elif price < self._low:
            self._low = price
        self.close = price

    def average(self, now: int) -> float | None:
        """Average true range of the bars complete at `now`, in price units; None before enough bars."""
        average, count = self._closed(now)
        return average if count >= self._bars else None

    def _open(self, price: float) -> None:
        if self._count >= 0:
            self._average, self._count = self._closed(self.ts)
            self._previous = self.close
        else:
            self._count = 0
            self._previous = 0.0
        self._end = (self.ts // self._length + 1) * self._length
        self._high = self._low = price

    def _closed(self, now: int) -> tuple[float, int]:
        """Average and count with all bars closed that end at or before `now`."""
        average, count = self._average, self._count
        if count < 0 or now < self._end:
            return average, count
        ranges = [0.0] * ((now - self._end) // self._length)
        if self._previous > 0.0:  # the first bar has no close before it, and does not count
            ranges.insert(0, max(self._high, self._previous) - min(self._low, self._previous))
        for true_range in ranges:
            count += 1
            average += (true_range - average) / min(count, self._bars)
        return average, count

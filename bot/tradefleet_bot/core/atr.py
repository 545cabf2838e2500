"""Average true range of one symbol, from trades: the distance of protective stops is measured in it.

Bars of event time; a bar without trades is no bar. Wilder's smoothing (New Concepts in Technical Trading Systems,
1978) once `PERIOD` bars are known, a plain mean of the true ranges before that, and nothing below `MIN_BARS`.
"""

from typing import Final

PERIOD: Final = 14
MIN_BARS: Final = 5


class Atr:
    """`update` takes trades, `get` gives quote units per base unit, or None without enough bars.

    >>> atr = Atr(bar=10)
    >>> for n, price in enumerate((10.0, 12.0, 11.0, 13.0, 12.0, 14.0, 13.0)):
    ...     atr.update(n * 10, price)
    >>> round(atr.get(), 3)
    1.6
    """

    def __init__(self, bar: int) -> None:
        self._bar = bar
        self._index = -1
        self._high = self._low = self._close = 0.0
        self._previous_close: float | None = None
        self._average = 0.0
        self._count = 0

    def update(self, ts: int, price: float) -> None:
        """One trade at event time `ts`, ns; earlier bars are closed and late trades join the current one."""
        index = ts // self._bar
        if index > self._index:
            if self._index >= 0:
                self._close_bar()
            self._index, self._high, self._low = index, price, price
        elif price > self._high:
            self._high = price
        elif price < self._low:
            self._low = price
        self._close = price

    def get(self) -> float | None:
        """Of the closed bars."""
        return self._average if self._count >= MIN_BARS else None

    def _close_bar(self) -> None:
        high, low, before = self._high, self._low, self._previous_close
        if before is not None:
            self._count += 1
            true_range = max(high, before) - min(low, before)
            self._average += (true_range - self._average) / min(self._count, PERIOD)
        self._previous_close = self._close

"""Time cut into equal buckets: the windows of all features, with bounded memory and no accumulated rounding.

A window of length w at event time t covers the bucket that t is in and the w / width whole buckets before it. Nothing
is ever subtracted from a running total: each query adds up the buckets anew (`math.fsum`), so that rounding errors stay
inside one bucket (a few hundred additions, relative error below 1e-13) and never grow with the age of the process.
"""

from math import fsum

from tradefleet_bot.core.features.sources.base import NEVER


class LastGrid:
    """The last value of each bucket; a bucket without events repeats the one before.

    `width` and `span` in ns. `at(k)` is the value known when bucket k began.

    >>> grid = LastGrid(width=10, span=30)
    >>> for ts, value in ((5, 1.0), (12, 2.0), (19, 3.0), (41, 4.0)):
    ...     grid.put(ts, value)
    >>> [grid.at(k) for k in range(6)]
    [None, 1.0, 3.0, 3.0, 3.0, 4.0]
    """

    __slots__ = ("_bucket", "_first", "_size", "_values", "end", "last", "width")

    def __init__(self, width: int, span: int) -> None:
        self.width = width
        self._size = span // width + 2
        self._values = [0.0] * self._size
        self.last = 0.0
        self.clear()

    def clear(self) -> None:
        """Forget everything."""
        self._bucket = self._first = NEVER
        self.end = NEVER
        """End of the newest bucket: an event from here on needs `roll` first."""

    def put(self, ts: int, value: float) -> None:
        """Take in a value; `ts` never goes backwards."""
        if ts >= self.end:
            self.roll(ts)
        self.last = value

    def roll(self, ts: int) -> None:
        """Open the bucket of `ts`, closing those before it at the last value."""
        bucket = ts // self.width
        if self._first == NEVER:
            self._first = bucket
        else:
            for k in range(max(self._bucket, bucket - self._size), bucket):
                self._values[k % self._size] = self.last
        self._bucket = bucket
        self.end = (bucket + 1) * self.width

    def at(self, bucket: int) -> float | None:
        """The value when `bucket` began; None where the grid does not reach back."""
        if bucket > self._bucket:
            return self.last if self._first != NEVER else None
        if bucket <= self._first or self._bucket - bucket >= self._size:
            return None
        return self._values[(bucket - 1) % self._size]

    def samples(self, now: int, step: int, count: int) -> list[float] | None:
        """Values at the newest `count` multiples of `step` (a multiple of the width) up to `now`, oldest first."""
        buckets = step // self.width
        newest = now // step * buckets
        oldest = newest - (count - 1) * buckets
        if self._first == NEVER or oldest <= self._first or self._bucket - oldest >= self._size:
            return None
        size, ring = self._size, self._values
        found = [ring[(k - 1) % size] for k in range(oldest, min(newest, self._bucket) + 1, buckets)]
        return found + [self.last] * (count - len(found))


class SumGrid:
    """Sums per bucket of several columns.

    Hot callers inline `add`: `if ts >= grid.end: grid.roll(ts)`, then `grid.columns[c][grid.index] += value`.

    >>> grid = SumGrid(width=10, span=20, columns=1)
    >>> for ts, value in ((0, 9.0), (12, 1.0), (19, 2.0), (31, 4.0)):
    ...     grid.add(ts, 0, value)
    >>> grid.total(0, now=35, window=20), grid.total(0, now=41, window=20), grid.total(0, now=25, window=30)
    (7.0, 4.0, None)
    """

    __slots__ = ("_bucket", "_size", "columns", "end", "index", "start", "width")

    def __init__(self, width: int, span: int, columns: int) -> None:
        self.width = width
        self._size = span // width + 1
        self.columns = tuple([0.0] * self._size for _ in range(columns))
        self.clear()

    def clear(self) -> None:
        """Forget everything."""
        self._bucket = NEVER
        self.end = NEVER
        self.index = 0
        self.start = NEVER
        """Where the history begins, ns."""

    def add(self, ts: int, column: int, value: float) -> None:
        """Add to the bucket of `ts`, which never goes backwards."""
        if ts >= self.end:
            self.roll(ts)
        self.columns[column][self.index] += value

    def roll(self, ts: int) -> None:
        """Open the bucket of `ts`, leaving those between empty."""
        bucket = ts // self.width
        size = self._size
        if self.start == NEVER:
            self.start = ts
            first = bucket - size + 1
        else:
            first = max(self._bucket + 1, bucket - size + 1)
        for k in range(first, bucket + 1):
            for column in self.columns:
                column[k % size] = 0.0
        self._bucket = bucket
        self.index = bucket % size
        self.end = (bucket + 1) * self.width

    def total(self, column: int, now: int, window: int) -> float | None:
        """Sum over the window that ends at `now` (at or after the last event); None where history is shorter."""
        newest = now // self.width
        oldest = newest - window // self.width
        if self.start == NEVER or self.start > oldest * self.width:
            return None
        if oldest > self._bucket:
            return 0.0
        first, last = oldest % self._size, self._bucket % self._size
        values = self.columns[column]
        return fsum(values[first : last + 1] if first <= last else values[first:] + values[: last + 1])

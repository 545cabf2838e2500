"""One queue for all keys: a key waits at most once, is worked on by at most one worker, and backs off when it fails."""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Final, Generic, TypeVar

from tradefleet_operator.metrics import ADDS, DEPTH, QUEUED, RETRIES

T = TypeVar("T")
NAME: Final = "tradefleet"
_FIRST, _LONGEST = 0.1, 30.0


def backoff(failures: int) -> float:
    """Seconds to wait after so many failures in a row.

    >>> [backoff(n) for n in (1, 2, 3, 100)]
    [0.1, 0.2, 0.4, 30.0]
    """
    return min(_LONGEST, _FIRST * 2.0 ** min(failures - 1, 30))


class WorkQueue(Generic[T]):
    """Semantics of client-go's work queue: a key added while it is worked on is worked on once more afterwards."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._waiting: deque[T] = deque()
        self._added: dict[T, float] = {}
        self._active: set[T] = set()
        self._again: set[T] = set()
        self._failures: dict[T, int] = {}
        self._timers: dict[T, asyncio.TimerHandle] = {}
        self._ready = asyncio.Event()
        self.last_progress = clock()

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, key: T) -> None:
        """As soon as a worker is free."""
        if timer := self._timers.pop(key, None):
            timer.cancel()
        if key in self._active:
            self._again.add(key)
            return
        if key in self._added:
            return
        if not self._waiting:
            self.last_progress = self._clock()
        ADDS.labels(NAME).inc()
        self._added[key] = self._clock()
        self._waiting.append(key)
        DEPTH.labels(NAME).set(len(self._waiting))
        self._ready.set()

    def add_after(self, key: T, seconds: float) -> None:
        """After some time; the earlier of two wins."""
        loop = asyncio.get_running_loop()
        due = loop.time() + seconds
        timer = self._timers.get(key)
        if timer is not None:
            if timer.when() <= due:
                return
            timer.cancel()
        self._timers[key] = loop.call_at(due, self._due, key)

    def _due(self, key: T) -> None:
        self._timers.pop(key, None)
        self.add(key)

    def retry(self, key: T) -> float:
        """After its back-off; returns the seconds."""
        self._failures[key] = self._failures.get(key, 0) + 1
        RETRIES.labels(NAME).inc()
        seconds = backoff(self._failures[key])
        self.add_after(key, seconds)
        return seconds

    def forget(self, key: T) -> None:
        """It went well: the next failure is the first again."""
        self._failures.pop(key, None)

    async def get(self) -> T:
        """The next key; `done` must follow."""
        while not self._waiting:
            self._ready.clear()
            await self._ready.wait()
        key = self._waiting.popleft()
        DEPTH.labels(NAME).set(len(self._waiting))
        QUEUED.labels(NAME).observe(max(0.0, self._clock() - self._added.pop(key)))
        self._active.add(key)
        return key

    def done(self, key: T) -> None:
        """The worker has finished with it."""
        self.last_progress = self._clock()
        self._active.discard(key)
        if key in self._again:
            self._again.discard(key)
            self.add(key)

    def stuck_for(self) -> float:
        """Seconds for which keys have waited or been worked on without any being finished."""
        return self._clock() - self.last_progress if self._waiting or self._active else 0.0

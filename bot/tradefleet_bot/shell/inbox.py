"""The engine's one ordered queue: under pressure market data is conflated or dropped, never silently; nothing else is.

Everything runs on one event loop, so this needs no lock.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable
from typing import Final

from tradefleet_bot.core.events import Event, MarketEvent, Quote

LIMIT: Final = 20_000
"""Market events that may wait; at a busy symbol's thousand a second, 20 s of backlog."""
_MARKET: Final = frozenset(MarketEvent.__args__)


class Inbox:
    """Events in order of arrival.

    When more than `limit` market events wait, only the latest quote of each symbol is kept (each quote replaces the one
    before it). Where that is not enough, all waiting market data is dropped and `overflow` is called: it must take the
    feed down, so that the engine takes no risk until the feed is whole again.
    """

    def __init__(self, overflow: Callable[[int], list[Event]], limit: int = LIMIT) -> None:
        self.conflated = 0
        """Quotes replaced by later ones."""
        self.dropped = 0
        """Market events dropped."""
        self._overflow = overflow
        self._limit = limit
        self._queue: deque[Event] = deque()
        self._market = 0
        self._ready = asyncio.Event()

    def __len__(self) -> int:
        return len(self._queue)

    def put(self, events: Iterable[Event]) -> None:
        """Add events, in order."""
        for event in events:
            if type(event) in _MARKET:
                self._market += 1
            self._queue.append(event)
        if self._market > self._limit:
            self._relieve()
        self._ready.set()

    async def take(self, most: int) -> list[Event]:
        """Up to `most` events, waiting for the first."""
        while not self._queue:
            self._ready.clear()
            await self._ready.wait()
        taken = [self._queue.popleft() for _ in range(min(most, len(self._queue)))]
        self._market -= sum(1 for event in taken if type(event) in _MARKET)
        return taken

    def _relieve(self) -> None:
        latest = {event.symbol: event for event in self._queue if isinstance(event, Quote)}
        kept = [e for e in self._queue if not isinstance(e, Quote) or latest[e.symbol] is e]
        self.conflated += len(self._queue) - len(kept)
        self._market -= len(self._queue) - len(kept)
        if self._market > self._limit // 2:
            self.dropped += self._market
            count, self._market = self._market, 0
            kept = [event for event in kept if type(event) not in _MARKET]
            kept += self._overflow(count)
        self._queue = deque(kept)

"""What all sources share: which clock counts, when data is stale, and when history has a hole.

Windows run in event time. Between events it runs on with engine time: `now(at)` is the last event's `ts` plus the
engine time since. So a feed whose clock is off by a constant (a recording, a skewed machine) gives the same features.
"""

from abc import ABC, abstractmethod
from typing import Any, ClassVar, Final, Generic, TypeVar

from tradefleet_bot.core.events import FeedState, Stream

E = TypeVar("E", bound=Any)

MILLISECOND: Final = 1_000_000
SECOND: Final = 1_000_000_000

STALE_AFTER: Final[dict[Stream, int | None]] = {
    "quote": 5 * SECOND,
    "depth": 5 * SECOND,
    "trade": 30 * SECOND,
    "mark": 10 * SECOND,
    "open_interest": 30 * SECOND,
    "liquidation": None,
}
"""Silence, in ns, after which a stream's features are missing and its history starts anew.

None: silence is normal, and only FeedState says whether the stream lives.
"""

REORDER: Final = 1 * SECOND
"""An event this much older than the newest of its stream still counts, as of the newest; an older one is dropped."""

MIN_PRICE: Final = 1e-12
MAX_VALUE: Final = 1e15
"""Prices and quantities outside are not a market's: the event is dropped, so that no sum can overflow."""

NEVER: Final = -(1 << 80)


class Source(ABC, Generic[E]):
    """State of one stream of one symbol."""

    stream: ClassVar[Stream]
    events: ClassVar[tuple[type, ...]]
    """Types of the events that `update` takes."""

    __slots__ = ("_stale", "at", "ts")

    def __init__(self) -> None:
        limit = STALE_AFTER[self.stream]
        self._stale: int = limit if limit is not None else 1 << 79
        self.ts = NEVER
        """Newest event time accepted, ns: never goes backwards while the history is whole."""
        self.at = NEVER
        """Engine time of the last event accepted."""

    @abstractmethod
    def update(self, event: E) -> None:
        """Take in one event of this stream and symbol."""

    @abstractmethod
    def clear(self) -> None:
        """Forget the history: there is a hole in it."""

    def feed(self, event: FeedState) -> None:
        """The stream went up or down; down makes its features missing until it has delivered enough anew."""
        if not event.up:
            self.at = NEVER
            self.clear()

    def now(self, at: int) -> int | None:
        """Event time at engine time `at`, or None while the stream is stale."""
        elapsed = at - self.at
        if elapsed > self._stale:
            return None
        return self.ts + elapsed if elapsed > 0 else self.ts

    def _advance(self, ts: int, at: int) -> bool:
        """Move the clock to an event; False if it came too late to count. A hole in either clock clears the history.

        An event from the far future therefore costs the history, makes its followers late, and with them dropped the
        source goes stale and starts anew on the next event.
        """
        if at - self.at > self._stale or ts - self.ts > self._stale:
            self.clear()
            self.ts = ts
        elif ts > self.ts:
            self.ts = ts
        elif self.ts - ts > REORDER:
            return False
        self.at = at
        return True

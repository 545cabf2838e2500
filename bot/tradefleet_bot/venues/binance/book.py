"""Order-book synchronisation by the venue's documented rules, without I/O.

"How to manage a local order book correctly" (USD-M):
1. open `<s>@depth` and buffer; 2. GET /fapi/v1/depth?limit=1000; 3. drop events with u < lastUpdateId; 4. the first
event applied must have U <= lastUpdateId and u >= lastUpdateId; 5. after that each event's pu must equal the u before
it, otherwise start again at 2. Not documented but recorded: where u == lastUpdateId was the last event dropped or seen,
the next has pu == lastUpdateId, and is the right one to begin with.
"""

from collections import deque
from typing import Final

from tradefleet_bot.core.events import DepthDelta, DepthSnapshot, FeedState
from tradefleet_bot.venues.binance.codec import BookImage, BookUpdate

MAX_BUFFERED: Final = 4096
"""Updates kept while the snapshot is on its way (minutes of them); the oldest go first, and the rules notice."""
BookEvent = DepthSnapshot | DepthDelta | FeedState


class BookSync:
    """One symbol's book, from diffs and snapshots to DepthSnapshot, DepthDelta and FeedState events, in sequence.

    `wants_snapshot` asks the shell for step 2; give the answer to `image`.
    """

    def __init__(self, symbol: str) -> None:
        self.symbol = symbol
        self.wants_snapshot = True
        self.gaps = 0
        self._last: int | None = None  # u of the last applied update; None while out of sync
        self._image: BookImage | None = None  # waits for the update that continues it
        self._buffer: deque[BookUpdate] = deque(maxlen=MAX_BUFFERED)

    @property
    def synced(self) -> bool:
        """Whether the events emitted so far make up the venue's book."""
        return self._last is not None

    def update(self, update: BookUpdate) -> list[BookEvent]:
        """Take one diff of the stream."""
        last = self._last
        if last is None:
            self._buffer.append(update)
            return [] if self._image is None else self._bridge(update.at)
        if update.previous == last:
            self._last = update.last
            return [DepthDelta(update.at, update.ts, self.symbol, update.bids, update.asks)]
        if update.last <= last:
            return []  # delivered twice: already in the book
        self.gaps += 1
        events = self.reset(update.at, f"gap: pu {update.previous} does not continue u {last}")
        self._buffer.append(update)
        return events

    def image(self, image: BookImage) -> list[BookEvent]:
        """Take the snapshot that was asked for; one that comes while in sync is not needed."""
        if self._last is not None:
            return []
        self._image = image
        self.wants_snapshot = False
        return self._bridge(image.at)

    def reset(self, at: int, reason: str) -> list[BookEvent]:
        """Forget the book (gap, lost connection) and ask for a snapshot."""
        was_up = self._last is not None
        self._last = None
        self._image = None
        self._buffer.clear()
        self.wants_snapshot = True
        return [FeedState(at, self.symbol, "depth", up=False, reason=reason)] if was_up else []

    def _bridge(self, at: int) -> list[BookEvent]:
        """Join the snapshot and the buffered updates, where some update continues the snapshot."""
        image = self._image
        assert image is not None  # noqa: S101 - both callers checked
        while self._buffer and self._buffer[0].last < image.last:
            self._buffer.popleft()
        if not self._buffer:
            return []
        first = self._buffer[0]
        if not (first.first <= image.last <= first.last or first.previous == image.last):
            # The stream has moved past this snapshot: a newer one is needed.
            self._image = None
            self.wants_snapshot = True
            return []
        self._last = first.previous
        events: list[BookEvent] = [
            DepthSnapshot(at, image.ts, self.symbol, image.bids, image.asks),
            FeedState(at, self.symbol, "depth", up=True),
        ]
        self._image = None
        pending, self._buffer = self._buffer, deque(maxlen=MAX_BUFFERED)
        for update in pending:
            events += self.update(update if update.at >= at else _restamp(update, at))
        return events


def _restamp(update: BookUpdate, at: int) -> BookUpdate:
    """A buffered update reaches the engine only now: engine time never goes backwards."""
    return BookUpdate(
        at, update.ts, update.symbol, update.first, update.last, update.previous, update.bids, update.asks
    )

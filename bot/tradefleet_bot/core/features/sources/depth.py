"""The order book as the depth features see it: the book itself and whether it is fresh."""

from typing import ClassVar

from tradefleet_bot.core.book import Book
from tradefleet_bot.core.events import DepthDelta, DepthSnapshot, Stream
from tradefleet_bot.core.features.sources.base import Source


class DepthSource(Source[DepthSnapshot | DepthDelta]):
    """Keeps a book, or watches one that its caller keeps (`book`). No event is late: a book needs every delta."""

    stream: ClassVar[Stream] = "depth"
    events: ClassVar[tuple[type, ...]] = (DepthSnapshot, DepthDelta)

    __slots__ = ("_owned", "book")

    def __init__(self, book: Book | None = None) -> None:
        super().__init__()
        self.book = book if book is not None else Book()
        self._owned = book is None

    def clear(self) -> None:
        if self._owned:
            self.book.clear()

    def update(self, event: DepthSnapshot | DepthDelta) -> None:
        if self._owned:
            self.book.apply(event)
        self.ts = event.ts
        self.at = event.at

    def top(self, at: int, levels: int) -> tuple[list[tuple[float, float]], list[tuple[float, float]]] | None:
        """The best levels of both sides; None while stale, without a snapshot, one-sided or crossed."""
        book = self.book
        if self.now(at) is None or not book.ready or not book.sound:
            return None
        return book.bids(levels), book.asks(levels)

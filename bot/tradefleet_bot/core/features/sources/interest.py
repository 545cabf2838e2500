"""Open interest, polled every few seconds, on a grid of one second over the last five minutes."""

from typing import ClassVar, Final

from tradefleet_bot.core.events import OpenInterest, Stream
from tradefleet_bot.core.features.sources.base import MAX_VALUE, SECOND, Source
from tradefleet_bot.core.features.sources.grid import LastGrid

WIDTH: Final = 1 * SECOND
SPAN: Final = 300 * SECOND


class OpenInterestSource(Source[OpenInterest]):
    """The last open interest, and what it was. Zero or less is no open interest of a live market and is dropped."""

    stream: ClassVar[Stream] = "open_interest"
    events: ClassVar[tuple[type, ...]] = (OpenInterest,)

    __slots__ = ("levels",)

    def __init__(self) -> None:
        super().__init__()
        self.levels = LastGrid(WIDTH, SPAN)

    def clear(self) -> None:
        self.levels.clear()

    def update(self, event: OpenInterest) -> None:
        if 1e-12 <= event.quantity <= MAX_VALUE and self._advance(event.ts, event.at):
            self.levels.put(self.ts, event.quantity)

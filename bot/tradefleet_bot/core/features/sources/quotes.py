"""Best bid and offer, and the mid price on a grid of 100 ms over the last minute."""

from typing import ClassVar, Final

from tradefleet_bot.core.events import Quote, Stream
from tradefleet_bot.core.features.sources.base import MAX_VALUE, MILLISECOND, MIN_PRICE, SECOND, Source
from tradefleet_bot.core.features.sources.grid import LastGrid

WIDTH: Final = 100 * MILLISECOND
SPAN: Final = 61 * SECOND
"""The longest window, and the step by which its sampled mids may lie before it."""


class QuoteSource(Source[Quote]):
    """The last quote, and what the mid was. Crossed and implausible quotes are dropped; a locked one counts."""

    stream: ClassVar[Stream] = "quote"
    events: ClassVar[tuple[type, ...]] = (Quote,)

    __slots__ = ("mids", "quote")

    def __init__(self) -> None:
        super().__init__()
        self.mids = LastGrid(WIDTH, SPAN)
        self.quote: Quote | None = None

    def clear(self) -> None:
        self.mids.clear()
        self.quote = None

    def update(self, event: Quote) -> None:
        bid = event.bid
        ask = event.ask
        if not (
            MIN_PRICE <= bid <= ask <= MAX_VALUE
            and 0.0 <= event.bid_quantity <= MAX_VALUE
            and 0.0 <= event.ask_quantity <= MAX_VALUE
            and self._advance(event.ts, event.at)
        ):
            return
        mids = self.mids
        if self.ts >= mids.end:
            mids.roll(self.ts)
        mids.last = bid + (ask - bid) * 0.5
        self.quote = event

    def fresh(self, at: int) -> Quote | None:
        """The last quote, or None while the stream is stale."""
        return self.quote if self.now(at) is not None else None

"""Mark and index price and funding, as the venue states them about once a second."""

from typing import ClassVar

from tradefleet_bot.core.events import MarkPrice, Stream
from tradefleet_bot.core.features.sources.base import MAX_VALUE, MIN_PRICE, Source


class MarkSource(Source[MarkPrice]):
    """The last mark price event; its optional parts stay None where the venue says nothing."""

    stream: ClassVar[Stream] = "mark"
    events: ClassVar[tuple[type, ...]] = (MarkPrice,)

    __slots__ = ("mark",)

    def __init__(self) -> None:
        super().__init__()
        self.mark: MarkPrice | None = None

    def clear(self) -> None:
        self.mark = None

    def update(self, event: MarkPrice) -> None:
        index = event.index
        rate = event.funding_rate
        if (
            MIN_PRICE <= event.mark <= MAX_VALUE
            and (index is None or MIN_PRICE <= index <= MAX_VALUE)
            and (rate is None or -1.0 <= rate <= 1.0)
            and self._advance(event.ts, event.at)
        ):
            self.mark = event

    def fresh(self, at: int) -> MarkPrice | None:
        """The last event, or None while the stream is stale."""
        return self.mark if self.now(at) is not None else None

"""One market feed without I/O: frames of any connection in, engine events in order out, with each stream's health.

Live sockets, recordings and training all read through this class, so a recording behaves as the live feed did.
"""

from collections import Counter
from collections.abc import Collection, Iterable
from typing import Final

from tradefleet_bot.core.events import (
    Event,
    FeedState,
    Liquidation,
    MarkPrice,
    OpenInterest,
    Quote,
    Stream,
    Trade,
)
from tradefleet_bot.venues.binance.book import BookSync
from tradefleet_bot.venues.binance.codec import (
    BookImage,
    BookUpdate,
    DecodeError,
    Reply,
    decode,
    decode_image,
    decode_open_interest,
)

NS: Final = 1_000_000_000
MAX_SYMBOLS: Final = 1024
SILENCE_FLOOR: Final[dict[Stream, int]] = {"quote": 5 * NS, "depth": 5 * NS, "mark": 10 * NS, "trade": 30 * NS}
"""No stream is called silent sooner than this; forced orders have no rate, open interest is polled by the shell."""
SILENCE_FACTOR: Final = 20.0
"""A stream is silent after this many of its own mean gaps."""
_SMOOTHING: Final = 0.05
_STREAM: Final[dict[type, Stream]] = {
    Trade: "trade",
    Quote: "quote",
    MarkPrice: "mark",
    Liquidation: "liquidation",
    OpenInterest: "open_interest",
    BookUpdate: "depth",
}


class _Pulse:
    """When a stream of a symbol last spoke, and its mean gap (ns)."""

    __slots__ = ("last", "mean", "up")

    def __init__(self, at: int) -> None:
        self.up = False
        self.last = at
        self.mean = 0.0


class Feed:
    """The market data of some symbols (None: of every symbol that turns up)."""

    def __init__(self, symbols: Collection[str] | None = None) -> None:
        self.books: dict[str, BookSync] = {}
        self.decode_errors = 0
        self.decoded: Counter[str] = Counter()
        self.ignored: Counter[str] = Counter()
        self.bad_sample: str | None = None
        """The beginning of the last frame that could not be decoded."""
        self._at = 0
        self._early: BookImage | None = None  # a snapshot that came before the first diff said whose it is
        self._allowed = None if symbols is None else frozenset(symbols)
        self._pulses: dict[type, dict[str, _Pulse]] = {kind: {} for kind in _STREAM}

    @property
    def gaps(self) -> int:
        """Breaks in the sequence of depth updates so far."""
        return sum(book.gaps for book in self.books.values())

    def frame(self, frame: bytes, at: int) -> list[Event]:
        """Events of one frame received at `at` (ns). A bad frame costs that frame: it is counted, never raised."""
        at = self._at = max(at, self._at)
        try:
            messages = decode(frame, at, self.ignored)
        except DecodeError as error:
            self.decode_errors += 1
            self.bad_sample = str(error)
            return []
        events: list[Event] = []
        for message in messages:
            if isinstance(message, BookImage):
                # A recording holds the REST reply among the frames; only one book can be meant, known or yet to come.
                self.decoded["depth_snapshot"] += 1
                if len(self.books) == 1:
                    events += next(iter(self.books.values())).image(message)
                elif not self.books:
                    self._early = message
                continue
            if isinstance(message, Reply):
                self.decoded["reply" if message.error is None else "refusal"] += 1
                continue
            kind = type(message)
            pulse = self._pulses[kind].get(message.symbol)
            if pulse is None:
                pulse = self._admit(kind, message.symbol)
                if pulse is None:
                    continue
            pulse.mean += _SMOOTHING * (at - pulse.last - pulse.mean)
            pulse.last = at
            self.decoded[_STREAM[kind]] += 1
            if isinstance(message, BookUpdate):
                pulse.up = True
                book = self.books[message.symbol]
                if self._early is not None:
                    events += book.image(self._early)
                    self._early = None
                events += book.update(message)
                continue
            if not pulse.up:
                pulse.up = True
                events.append(FeedState(at, message.symbol, _STREAM[kind], up=True))
            events.append(message)
        return events

    def snapshot(self, symbol: str, body: bytes, at: int) -> list[Event]:
        """Take the REST depth snapshot of a symbol. Raises DecodeError."""
        at = self._at = max(at, self._at)
        image = decode_image(body, at)
        return list(self._book(symbol).image(image))

    def open_interest(self, body: bytes, at: int) -> list[Event]:
        """Take the REST reply with a symbol's open interest. Raises DecodeError."""
        at = self._at = max(at, self._at)
        event = decode_open_interest(body, at)
        pulse = self._pulses[OpenInterest].get(event.symbol) or self._admit(OpenInterest, event.symbol)
        if pulse is None:
            return []
        pulse.last = at
        self.decoded["open_interest"] += 1
        up, pulse.up = pulse.up, True
        return [event] if up else [FeedState(at, event.symbol, "open_interest", up=True), event]

    def wanted(self) -> list[str]:
        """Symbols whose book waits for a REST snapshot: ask for it once updates flow, then call `snapshot`."""
        return [symbol for symbol, book in self.books.items() if book.wants_snapshot]

    def subscribed(self, symbols: Iterable[str], streams: Collection[Stream], at: int) -> list[Event]:
        """A connection carries these streams from now on. Only forced orders count as up by that: their silence is
        normal; the others are up with their first event."""
        at = self._at = max(at, self._at)
        events: list[Event] = []
        for symbol in symbols:
            for kind, stream in _STREAM.items():
                if stream not in streams:
                    continue
                pulse = self._pulses[kind].get(symbol) or self._admit(kind, symbol)
                if pulse is None:
                    continue
                pulse.last = at
                pulse.mean = 0.0
                if stream == "liquidation" and not pulse.up:
                    pulse.up = True
                    events.append(FeedState(at, symbol, stream, up=True))
        return events

    def lost(self, streams: Collection[Stream], at: int, reason: str) -> list[Event]:
        """The connection that carried these streams is gone, for every symbol."""
        at = self._at = max(at, self._at)
        return [
            event
            for kind, pulses in self._pulses.items()
            if _STREAM[kind] in streams
            for symbol, pulse in pulses.items()
            for event in self._down(kind, symbol, pulse, at, reason)
        ]

    def silence(self, at: int) -> list[Event]:
        """Streams that have been quiet for much longer than their own rate explains go down."""
        at = self._at = max(at, self._at)
        events: list[Event] = []
        for kind, pulses in self._pulses.items():
            floor = SILENCE_FLOOR.get(_STREAM[kind])
            if floor is None:
                continue
            for symbol, pulse in pulses.items():
                quiet = at - pulse.last
                if pulse.up and quiet > max(floor, SILENCE_FACTOR * pulse.mean):
                    events += self._down(kind, symbol, pulse, at, f"silent for {quiet / NS:.1f} s")
        return events

    def not_up(self, symbols: Iterable[str], streams: Collection[Stream]) -> list[str]:
        """Streams of these that do not flow (yet), for people: `BTCUSDT depth`."""
        down = []
        for kind, stream in _STREAM.items():
            for symbol in symbols if stream in streams else ():
                pulse = self._pulses[kind].get(symbol)
                synced = kind is not BookUpdate or (symbol in self.books and self.books[symbol].synced)
                if pulse is None or not pulse.up or not synced:
                    down.append(f"{symbol} {stream}")
        return down

    def staleness(self, at: int) -> dict[tuple[str, Stream], float]:
        """Seconds since each stream of each symbol last spoke."""
        return {
            (symbol, _STREAM[kind]): max(0, at - pulse.last) / NS
            for kind, pulses in self._pulses.items()
            for symbol, pulse in pulses.items()
        }

    def _down(self, kind: type, symbol: str, pulse: _Pulse, at: int, reason: str) -> list[Event]:
        was_up, pulse.up = pulse.up, False
        if kind is BookUpdate:
            return list(self.books[symbol].reset(at, reason))
        return [FeedState(at, symbol, _STREAM[kind], up=False, reason=reason)] if was_up else []

    def _book(self, symbol: str) -> BookSync:
        book = self.books.get(symbol)
        if book is None:
            book = self.books[symbol] = BookSync(symbol)
        return book

    def _admit(self, kind: type, symbol: str) -> _Pulse | None:
        """Begin to follow a stream; a symbol that was not asked for is counted and left out."""
        pulses = self._pulses[kind]
        if (self._allowed is not None and symbol not in self._allowed) or len(pulses) >= MAX_SYMBOLS:
            self.ignored["symbol"] += 1
            return None
        if kind is BookUpdate:
            self._book(symbol)
        pulse = pulses[symbol] = _Pulse(self._at)
        return pulse

"""A recording of raw frames played as a market: re-stamped to now, looped for ever.

Lines are `<receive time> <json>`, combined-stream frames with REST replies bare among them. Event times keep their
distances and only ever grow; at the seam the first book is set again as one legal change of the last one. What a
recording lacks is derived where the venue's definition allows it (prints from aggTrade where there is no trade stream,
mark price from the mid) and is otherwise absent: no funding, no index, no open interest is made up.
"""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from itertools import islice
from pathlib import Path
from typing import Any, Final

from tradefleet_sim.instruments import INSTRUMENTS, Instrument
from tradefleet_sim.market.events import (
    BookUpdate,
    Levels,
    Liquidation,
    Mark,
    MarketEvent,
    OpenInterest,
    Print,
    Quote,
    Snapshot,
)

_LOOKAHEAD: Final = 2000  # lines that tell what a recording has
_SETTLE_MS: Final = 1000  # without a snapshot the book is gathered from this much of diffs
Frame = dict[str, Any]


class RecordingError(Exception):
    """The file cannot be played; the message says why in one sentence."""


@dataclass(frozen=True, slots=True)
class Recording:
    """A playable file. `has` names what its first lines hold (event types, and `depth` for a REST snapshot)."""

    path: Path
    instrument: Instrument
    has: frozenset[str]

    @classmethod
    def open(cls, path: Path) -> Recording:
        has: set[str] = set()
        symbols: set[str] = set()
        for frame in islice(_frames(path), _LOOKAHEAD):
            has.add(_kind(frame))
            symbols.add(str(frame.get("s", "")))
        symbols.discard("")
        if "bookTicker" not in has:
            raise RecordingError(
                f"{path} holds no bookTicker frames among its first {_LOOKAHEAD}: not a market to play"
            )
        if len(symbols) != 1 or (symbol := symbols.pop()) not in INSTRUMENTS:
            raise RecordingError(f"{path} must be of exactly one symbol out of {', '.join(sorted(INSTRUMENTS))}")
        return cls(path, INSTRUMENTS[symbol], frozenset(has))

    def play(self, start_ms: int) -> Iterator[MarketEvent]:
        """Events for ever, the first a Snapshot at `start_ms`."""
        tape = _Tape(self, start_ms)
        while True:
            yield from tape.once()


@dataclass(slots=True)
class _Tape:
    """One symbol's frames turned into market events, with what must survive the seam."""

    recording: Recording
    now: int  # event time of the last event, re-stamped
    update_shift: int = 0
    last_update: int = 0
    quote: Quote | None = None
    touch: tuple[int, int] = (0, 0)  # the last quote's prices, for the derived mark
    mark_due: int = 0

    def once(self) -> Iterator[MarketEvent]:
        frames = _frames(self.recording.path)
        shift: int | None = None
        self.quote = None
        base = self.last_update
        for first in self._opening(frames):
            if shift is None:
                shift = self.now - first.at
                self.update_shift = max(0, base + 1 - first.update)
                yield first._replace(at=self.now, update=self._update(first.update))
        if shift is None:
            raise RecordingError(f"{self.recording.path} has no book to begin with")
        yield from self._derived_mark()
        for frame in frames:
            stamp = frame.get("E", frame.get("time"))
            if not isinstance(stamp, int):
                continue
            self.now = max(self.now, stamp + shift)
            event = self._event(frame, shift)
            if event is not None:
                yield event
                yield from self._derived_mark()
        self.now += 1

    def _opening(self, frames: Iterator[Frame]) -> Iterator[Snapshot]:
        """The recorded snapshot, or the book gathered from the first second of diffs and quotes."""
        bids: dict[int, int] = {}
        asks: dict[int, int] = {}
        begin: int | None = None
        wants_snapshot = "depth" in self.recording.has
        for frame in frames:
            kind = _kind(frame)
            if kind == "depth":
                bids, asks = dict(self._levels(frame["bids"])), dict(self._levels(frame["asks"]))
                yield self._snapshot(int(frame["E"]), int(frame["lastUpdateId"]), bids, asks)
                return
            if wants_snapshot or kind not in ("depthUpdate", "bookTicker"):
                continue
            at, update = int(frame["E"]), int(frame["u"])
            begin = at if begin is None else begin
            if kind == "depthUpdate":
                bids.update(self._levels(frame["b"]))
                asks.update(self._levels(frame["a"]))
            else:
                quote = self._quote(frame, at, update)
                bids = {price: lots for price, lots in bids.items() if price < quote.bid[0]} | dict([quote.bid])
                asks = {price: lots for price, lots in asks.items() if price > quote.ask[0]} | dict([quote.ask])
                if at - begin >= _SETTLE_MS:
                    yield self._snapshot(at, update, bids, asks)
                    return

    def _snapshot(self, at: int, update: int, bids: dict[int, int], asks: dict[int, int]) -> Snapshot:
        kept = [sorted((price, lots) for price, lots in side.items() if lots) for side in (bids, asks)]
        if not kept[0] or not kept[1]:
            raise RecordingError(f"{self.recording.path} begins with a book that has an empty side")
        self.touch = (kept[0][-1][0], kept[1][0][0])
        return Snapshot(at, update, kept[0][::-1], kept[1])

    def _event(self, frame: Frame, shift: int) -> MarketEvent | None:
        kind, has = _kind(frame), self.recording.has
        match kind:
            case "depthUpdate":
                return self._depth(frame)
            case "bookTicker":
                return self._ticker(frame)
            case "trade" if frame.get("X", "MARKET") == "MARKET":
                return self._print(frame)
            case "aggTrade" if "trade" not in has:
                return self._print(frame)
            case "markPriceUpdate":
                due = int(frame["T"]) + shift if frame.get("r") else 0
                return Mark(
                    self.now,
                    str(frame["p"]),
                    str(frame.get("i", "")),
                    str(frame.get("P", "")),
                    str(frame.get("r", "")),
                    due,
                )
            case "forceOrder":
                order = frame["o"]
                sell = order["S"] == "SELL"
                return Liquidation(
                    self.now, sell, self._ticks(order["p"]), self._ticks(order["ap"]), self._lots(order["q"])
                )
            case "openInterest":
                return OpenInterest(self.now, self._lots(frame["openInterest"]))
            case _:
                return None

    def _depth(self, frame: Frame) -> BookUpdate | None:
        update = int(frame["u"])
        if update + self.update_shift <= self.last_update and self.quote is None:
            return None  # older than the snapshot
        bids, asks = self._levels(frame["b"]), self._levels(frame["a"])
        if self.quote is not None:
            if update >= self.quote.update:
                self.quote = None
            else:  # the quote is newer: what the diff says about the touch is old
                bids = _behind(bids, self.quote.bid, -1)
                asks = _behind(asks, self.quote.ask, 1)
        return BookUpdate(self.now, self._update(update), bids, asks)

    def _ticker(self, frame: Frame) -> Quote | None:
        update = int(frame["u"])
        if update + self.update_shift < self.last_update and self.quote is None:
            return None  # older than the book
        quote = self._quote(frame, self.now, update)
        self.quote = quote
        self.touch = (quote.bid[0], quote.ask[0])
        return quote._replace(update=self._update(update))

    def _quote(self, frame: Frame, at: int, update: int) -> Quote:
        bid = (self._ticks(frame["b"]), self._lots(frame["B"]))
        return Quote(at, update, bid, (self._ticks(frame["a"]), self._lots(frame["A"])))

    def _print(self, frame: Frame) -> Print:
        return Print(self.now, self._ticks(frame["p"]), self._lots(frame["q"]), bool(frame["m"]))

    def _derived_mark(self) -> Iterator[Mark]:
        """The mid, once a second, where the recording has no mark price."""
        if self.now >= self.mark_due and "markPriceUpdate" not in self.recording.has:
            self.mark_due = self.now - self.now % 1000 + 1000
            mid = Decimal(self.touch[0] + self.touch[1]) * self.recording.instrument.tick / 2
            yield Mark(self.now, f"{mid:.8f}", "", "", "", 0)

    def _update(self, update: int) -> int:
        self.last_update = max(self.last_update, update + self.update_shift)
        return update + self.update_shift

    def _levels(self, rows: list[list[str]]) -> Levels:
        return [(self._ticks(price), self._lots(quantity)) for price, quantity in rows]

    def _ticks(self, text: str) -> int:
        return self._whole(self.recording.instrument.ticks, text)

    def _lots(self, text: str) -> int:
        return self._whole(self.recording.instrument.lots, text)

    def _whole(self, convert: Any, text: str) -> int:
        try:
            whole: int | None = convert(Decimal(text))
        except InvalidOperation:
            whole = None
        if whole is None:
            raise RecordingError(f"{self.recording.path}: {text!r} is no multiple of the symbol's tick or lot")
        return whole


def _behind(rows: Levels, best: tuple[int, int], sign: int) -> Levels:
    """Rows of a diff with the touch as the quote has it: nothing better, and its own quantity at the best."""
    return [
        (price, best[1] if price == best[0] else lots if sign * price > sign * best[0] else 0) for price, lots in rows
    ]


def _kind(frame: Frame) -> str:
    if "e" in frame:
        return str(frame["e"])
    return "depth" if "lastUpdateId" in frame else "openInterest" if "openInterest" in frame else ""


def _frames(path: Path) -> Iterator[Frame]:
    """Payloads in order; lines that hold none are skipped."""
    try:
        with gzip.open(path, "rt", encoding="utf-8") as file:
            for line in file:
                _, _, text = line.partition(" ")
                try:
                    frame = json.loads(text)
                except ValueError:
                    continue
                if isinstance(frame, dict):
                    payload = frame.get("data", frame)
                    if isinstance(payload, dict):
                        yield payload
    except (OSError, EOFError, UnicodeDecodeError, zlib.error) as error:
        raise RecordingError(f"{path} cannot be read as a gzip file of frames: {error}") from error

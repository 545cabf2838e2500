"""Recordings of raw frames as engine events, through the same Feed as the live sockets.

A recording is gzip (or plain) text, one frame a line: `<receive time> <frame>`, where the time is in nanoseconds,
microseconds or milliseconds since the epoch (told apart by size), and one of the frames may be the REST depth
snapshot. Without that snapshot the depth diffs cannot be placed, and the depth stream stays down.
"""

import gzip
import zlib
from collections.abc import Collection, Iterable, Iterator
from itertools import chain, islice
from pathlib import Path
from typing import Final

from tradefleet_bot.core.events import Event, Liquidation, MarkPrice, Quote, Trade
from tradefleet_bot.venues.binance.feed import Feed

_GZIP_MAGIC: Final = b"\x1f\x8b"
_CALIBRATION_LINES: Final = 2_000
_PLAUSIBLE: Final = (946_684_800_000_000_000, 9_000_000_000_000_000_000)  # ns: years 2000 to 2255


class RecordingError(ValueError):
    """The file is not a readable recording; one sentence."""


class Recording:
    """One recording, read once: iterate to get its events; the counters and `feed` fill up meanwhile.

    `at` is the receive time, made non-decreasing, plus `clock_offset`: a recorder whose clock was behind the venue's
    received frames before they were sent, so its times are moved until none of the first 2,000 precedes its event.
    """

    def __init__(self, lines: Iterable[bytes], symbols: Collection[str] | None = None) -> None:
        self.feed = Feed(symbols)
        self.lines = 0
        self.bad_lines = 0
        """Lines without a receive time; frames that do not decode are counted by `feed`."""
        self.clock_offset = 0
        """Nanoseconds added to receive times."""
        self._source = iter(lines)

    def __iter__(self) -> Iterator[Event]:
        head = list(islice(self._source, _CALIBRATION_LINES))
        self.clock_offset = _clock_offset(head)
        offset = self.clock_offset
        frame_of, feed_frame = split, self.feed.frame
        for line in chain(head, self._source):
            self.lines += 1
            split_line = frame_of(line)
            if split_line is None:
                self.bad_lines += 1
                continue
            yield from feed_frame(split_line[1], split_line[0] + offset)


def read(path: Path, symbols: Collection[str] | None = None) -> Recording:
    """The recording in a file. Iterating raises RecordingError where the file cannot be read."""
    return Recording(raw_lines(path), symbols)


def raw_lines(path: Path) -> Iterator[bytes]:
    """Lines of a gzip or plain file, without their line ends. Raises RecordingError."""
    try:
        with path.open("rb") as file:
            packed = file.read(2) == _GZIP_MAGIC
        with gzip.open(path) if packed else path.open("rb") as file:
            for line in file:
                yield line.rstrip(b"\r\n")
    except (OSError, EOFError, zlib.error) as error:
        raise RecordingError(f"recording {path} cannot be read: {error}") from error


def split(line: bytes) -> tuple[int, bytes] | None:
    """Receive time (ns) and frame of one line; None where it does not begin with a time.

    >>> split(b'1680652800070436 {"e":"x"}')
    (1680652800070436000, b'{"e":"x"}')
    """
    stamp, _, frame = line.partition(b" ")
    if not stamp.isdigit() or not frame or len(stamp) > 19:
        return None
    at = int(stamp)
    for _ in range(2):
        if at < _PLAUSIBLE[0]:
            at *= 1_000
    return (at, frame) if _PLAUSIBLE[0] <= at <= _PLAUSIBLE[1] else None


def _clock_offset(lines: Iterable[bytes]) -> int:
    probe = Feed()
    late = 0
    for parts in map(split, lines):
        if parts is None:
            continue
        at, frame = parts
        for event in probe.frame(frame, at):
            if isinstance(event, Trade | Quote | MarkPrice | Liquidation):
                late = max(late, event.ts - at)
    return late

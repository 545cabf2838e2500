"""The journal on disk: segments written by a thread of their own, compressed once full, the oldest removed.

One run of the engine is one folder `journal/<start>/`; its segments, concatenated, are one journal of
`core/journal/codec`. Finished segments are gzip; the one being written is plain, so that a crash
tears at most its tail.
"""

import gzip
import queue
import shutil
import threading
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Final

import structlog

SEGMENT_BYTES: Final = 32 * 1024 * 1024
KEEP_BYTES: Final = 384 * 1024 * 1024
"""Of compressed segments, all runs together: about half a day of one busy symbol."""
BUFFER_BYTES: Final = 32 * 1024 * 1024
FLUSH_SECONDS: Final = 0.5
FAULT_AFTER: Final = 5.0
_BATCH: Final = 100_000
_log = structlog.get_logger("journal")


class JournalFiles:
    """Appends bytes of records; never blocks the caller."""

    def __init__(self, folder: Path, run: str) -> None:
        self.lost_bytes = 0
        """Records that were dropped because the disk failed for longer than the buffer lasts."""
        self._root = folder / "journal"
        self._folder = self._root / run
        self._queue: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._handed = 0  # bytes, counted by the loop
        self._written = 0  # bytes, counted by the writer
        self._error: str | None = None
        self._good_at = time.monotonic()
        self._segment = 0
        self._thread = threading.Thread(target=self._write, name="journal", daemon=True)

    @contextmanager
    def opened(self) -> Iterator[None]:
        """Write until the block ends; then everything is on disk. Raises OSError where the folder cannot be made."""
        self._folder.mkdir(parents=True, exist_ok=True)
        self._thread.start()
        try:
            yield
        finally:
            self._queue.put(None)
            self._thread.join(timeout=5)

    @property
    def fault(self) -> str | None:
        """Why the journal does not keep up, or None."""
        if self._error is not None and time.monotonic() - self._good_at > FAULT_AFTER:
            return f"the journal cannot be written: {self._error}"
        waiting = self._handed - self._written
        return f"the journal is {waiting} bytes behind" if waiting > BUFFER_BYTES // 2 else None

    def append(self, data: bytes) -> None:
        """Add records."""
        if self._handed - self._written > BUFFER_BYTES:
            self.lost_bytes += len(data)
            return
        self._handed += len(data)
        self._queue.put(data)

    def _write(self) -> None:
        file: BinaryIO | None = None
        size = 0
        pending: list[bytes] = []
        closing = False
        while not (closing and not pending):
            closing = self._gather(pending) or closing
            data = b"".join(pending)
            try:
                if data:
                    file = file or self._path().open("ab", buffering=0)
                    self._write_all(file, data)
                    size += len(data)
                    self._written += len(data)
                    pending.clear()
                self._error, self._good_at = None, time.monotonic()
                if file is not None and (size >= SEGMENT_BYTES or (closing and not pending)):
                    file.close()
                    self._finish(self._path())
                    self._segment += 1
                    file, size = None, 0
            except OSError as error:
                if self._error is None:
                    _log.error("journal not written", reason=str(error))
                self._error = str(error)
                if file is not None:
                    file.close()
                    file = None
                if closing:
                    _log.error("journal lost its end at exit", bytes=len(data))
                    return
                time.sleep(FLUSH_SECONDS)

    def _write_all(self, file: BinaryIO, data: bytes) -> None:
        """All of it or none: what a full disk cut short is taken back, so that records stay whole."""
        start = file.tell()
        try:
            done = 0
            while done < len(data):
                done += file.write(memoryview(data)[done:])
        except OSError:
            file.truncate(start)
            raise

    def _gather(self, pending: list[bytes]) -> bool:
        deadline = time.monotonic() + FLUSH_SECONDS
        while len(pending) < _BATCH:
            try:
                item = self._queue.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                return False
            if item is None:
                return True
            pending.append(item)
        return False

    def _path(self) -> Path:
        return self._folder / f"{self._segment:06d}.tfj"

    def _finish(self, segment: Path) -> None:
        """Compress a full segment, and make room."""
        packed = segment.with_suffix(".tfj.gz.part")
        with segment.open("rb") as plain, gzip.open(packed, "wb", compresslevel=3) as target:
            shutil.copyfileobj(plain, target, 1024 * 1024)
        packed.rename(segment.with_suffix(".tfj.gz"))
        segment.unlink()
        kept = 0
        for path in sorted(self._root.glob("*/*.tfj*"), reverse=True):
            kept += path.stat().st_size
            if kept > KEEP_BYTES:
                path.unlink()
                if not any(path.parent.iterdir()):
                    path.parent.rmdir()


def read(path: Path) -> bytes:
    """A whole journal: a run's folder, or one file, compressed or not. Raises OSError, EOFError, zlib.error."""
    paths = sorted(path.glob("*.tfj*")) if path.is_dir() else [path]
    return b"".join(_content(each) for each in paths if each.suffix != ".part")


def is_journal(path: Path) -> bool:
    """Whether a path holds a journal (and not a recording of frames)."""
    if path.is_dir():
        return any(path.glob("*.tfj*"))
    return _head(path).startswith(b"TFJ")


def _head(path: Path) -> bytes:
    try:
        with gzip.open(path) as file:
            return file.read(3)
    except (gzip.BadGzipFile, EOFError, zlib.error):
        with path.open("rb") as file:
            return file.read(3)


def _content(path: Path) -> bytes:
    data = path.read_bytes()
    return gzip.decompress(data) if data.startswith(b"\x1f\x8b") else data

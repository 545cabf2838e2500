"""The ledger on SQLite: written by a thread of its own, in batches, never by the engine's loop.

Orders, fills, payments and the engine's carried state are never dropped: while the disk fails they wait in memory, and
`fault` tells the process to take no new risk, long before the buffer could be full. Only the equity curve and decisions
to hold are left out (and counted) once the buffer is half full.
"""

import queue
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, TypeVar

import msgspec
import structlog

from tradefleet_bot.core.carry import Carry
from tradefleet_bot.core.commands import Command, Persist, Place, Record
from tradefleet_bot.core.events import CashFlow, Event, Fill, OrderReport
from tradefleet_bot.core.paper import PaperSnapshot
from tradefleet_bot.core.view import EngineView
from tradefleet_bot.shell.ledger_schema import TABLES, VERSION

BUFFER: Final = 50_000
"""Statements that may wait for the disk."""
BATCH_SECONDS: Final = 0.2
FAULT_AFTER: Final = 5.0
"""Seconds without a successful commit, while something waits, after which the bot takes no new risk."""
KEEP_DECISIONS: Final = 500_000
_T = TypeVar("_T")
Statement = tuple[str, tuple[Any, ...]]
_log = structlog.get_logger("ledger")

_ORDER: Final = (
    "INSERT INTO orders (client_id, at, route, symbol, side, leg, kind, quantity, price, trigger_price, reduce_only,"
    " updated_at) VALUES (?,?,?,?,?,?,?,?,?,?,?,?)"
    " ON CONFLICT (client_id) DO UPDATE SET updated_at = excluded.updated_at"
)
_REPORT: Final = (
    "UPDATE orders SET status=?, filled=?, average_price=coalesce(?, average_price), venue_id=?,"
    " reason=CASE WHEN ?='' THEN reason ELSE ? END, updated_at=? WHERE client_id=?"
)
_FILL: Final = "INSERT OR IGNORE INTO fills VALUES (?,?,?,?,?,?,?,?,?,?,?)"
_FLOW: Final = "INSERT OR IGNORE INTO flows VALUES (?,?,?,?,?,?)"
_EQUITY: Final = "INSERT OR REPLACE INTO equity VALUES (?,?,?,?)"
_DECISION: Final = (
    "INSERT INTO decisions (at, symbol, topic, outcome, action, score, reason, check_name, measured, limit_value,"
    " client_id, quantity, price) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?)"
)
_KEPT: Final = "INSERT OR REPLACE INTO kept VALUES (?,?,?)"


class Ledger:
    """One bot's ledger in `folder`/ledger.db. Open it with `opened()`; all else is called from the engine's loop."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "ledger.db"
        self.left_out = 0
        """Equity points and held decisions that were not written because the disk failed."""
        self._queue: queue.SimpleQueue[Statement | None] = queue.SimpleQueue()
        self._handed = 0  # counted by the loop
        self._written = 0  # counted by the writer
        self._error: str | None = None
        self._good_at = time.monotonic()
        self._thread = threading.Thread(target=self._write, name="ledger", daemon=True)

    @contextmanager
    def opened(self) -> Iterator[None]:
        """Make the tables and write until the block ends; then everything is flushed. Raises sqlite3.Error, OSError."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with _connect(self.path) as database:
            database.executescript(TABLES)
            database.execute(f"PRAGMA user_version = {VERSION}")
        database.close()
        self._good_at = time.monotonic()
        self._thread.start()
        try:
            yield
        finally:
            self._queue.put(None)
            self._thread.join(timeout=5)

    @property
    def _waiting(self) -> int:
        return self._handed - self._written

    @property
    def fault(self) -> str | None:
        """Why the ledger cannot be trusted to keep up, or None."""
        if self._error is not None and time.monotonic() - self._good_at > FAULT_AFTER:
            return f"the ledger cannot be written: {self._error}"
        return f"the ledger is {self._waiting} writes behind" if self._waiting > BUFFER // 2 else None

    def event(self, event: Event) -> None:
        """Keep what happened, where it is the ledger's business."""
        if isinstance(event, OrderReport):
            average = None if event.average_price is None else str(event.average_price)
            self._put(
                _REPORT,
                (
                    event.status,
                    str(event.filled),
                    average,
                    event.venue_id,
                    event.reason,
                    event.reason,
                    event.at,
                    event.client_id,
                ),
            )
        elif isinstance(event, Fill):
            self._put(
                _FILL,
                (
                    event.symbol, event.trade_id, event.at, event.ts, event.client_id, event.side, str(event.price),
                    str(event.quantity), str(event.fee_quote), event.maker, _text(event.realized_quote),
                ),
            )  # fmt: skip
        elif isinstance(event, CashFlow):
            self._put(_FLOW, (event.flow_id, event.at, event.ts, event.kind, event.symbol, str(event.amount_quote)))

    def command(self, command: Command) -> None:
        """Keep what was decided and ordered."""
        if isinstance(command, Place):
            o = command.order.value
            self._put(
                _ORDER,
                (
                    o.client_id, command.at, command.route, o.symbol, o.side, o.leg, o.kind, str(o.quantity),
                    _text(o.price), _text(o.trigger), o.reduce_only or o.close_position, command.at,
                ),
            )  # fmt: skip
        elif isinstance(command, Record):
            if command.outcome == "held" and self._crowded():
                return
            self._put(
                _DECISION,
                (
                    command.at, command.symbol, command.topic, command.outcome, command.action, command.score,
                    command.reason, command.check, command.measured, command.limit, command.client_id,
                    _text(command.quantity), _text(command.price),
                ),
            )  # fmt: skip
        elif isinstance(command, Persist):
            self._put(_KEPT, ("carry", command.at, msgspec.msgpack.encode(command.carry)))

    def equity(self, view: EngineView) -> None:
        """A point of the equity curve; it also says that the bot was alive then."""
        if not self._crowded():
            self._put(_EQUITY, (view.at, _text(view.equity_quote), str(view.realized_quote), view.drawdown_ratio))

    def paper(self, at: int, snapshot: PaperSnapshot) -> None:
        """Keep the paper account, as of engine time `at`."""
        self._put(_KEPT, ("paper", at, msgspec.msgpack.encode(snapshot)))

    def kept_carry(self) -> Carry | None:
        """The engine's state that was kept last. Raises sqlite3.Error, msgspec.DecodeError."""
        return self._kept("carry", Carry)

    def kept_paper(self) -> PaperSnapshot | None:
        """The paper account that was kept last. Raises sqlite3.Error, msgspec.DecodeError."""
        return self._kept("paper", PaperSnapshot)

    def alive_until(self) -> int | None:
        """Engine time (ns) of the last sign of life."""
        return self._read("SELECT max(at) FROM equity")[0][0]  # type: ignore[no-any-return]  # sqlite3 rows are untyped

    def recent_trades(self, since: int) -> list[str]:
        """`symbol/trade id` of executions since an engine time (ns)."""
        return [
            f"{symbol}/{trade}"
            for symbol, trade in self._read("SELECT symbol, trade_id FROM fills WHERE at >= ?", since)
        ]

    def _kept(self, name: str, kind: type[_T]) -> _T | None:
        rows = self._read("SELECT state FROM kept WHERE name = ?", name)
        return msgspec.msgpack.decode(rows[0][0], type=kind) if rows else None

    def _read(self, query: str, *parameters: object) -> list[Any]:
        database = _connect(self.path)
        try:
            return database.execute(query, parameters).fetchall()
        finally:
            database.close()

    def _crowded(self) -> bool:
        crowded = self._waiting > BUFFER // 2
        self.left_out += crowded
        return crowded

    def _put(self, statement: str, values: tuple[Any, ...]) -> None:
        self._handed += 1
        self._queue.put((statement, values))

    def _write(self) -> None:
        database: sqlite3.Connection | None = None
        batch: list[Statement] = []
        closing, trimmed = False, time.monotonic()
        while not (closing and not batch):
            closing = self._gather(batch) or closing
            if not batch:
                continue
            try:
                if database is None:
                    database = _connect(self.path)
                with database:
                    for statement, values in batch:
                        database.execute(statement, values)
                    if time.monotonic() - trimmed > 600:
                        trimmed = time.monotonic()
                        database.execute(
                            "DELETE FROM decisions WHERE id < (SELECT max(id) FROM decisions) - ?", (KEEP_DECISIONS,)
                        )
                self._written += len(batch)
                batch.clear()
                self._error, self._good_at = None, time.monotonic()
            except sqlite3.Error as error:
                if self._error is None:
                    _log.error("ledger not written", reason=str(error), waiting=self._waiting)
                self._error = str(error)
                if database is not None:
                    database.close()
                    database = None
                if closing:
                    _log.error("ledger lost writes at exit", count=len(batch))
                    return
                time.sleep(BATCH_SECONDS)
        if database is not None:
            database.close()

    def _gather(self, batch: list[Statement]) -> bool:
        """Fill a batch; True when the ledger is closing."""
        deadline = time.monotonic() + BATCH_SECONDS
        while len(batch) < 5_000:
            try:
                item = self._queue.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                return False
            if item is None:
                return True
            batch.append(item)
        return False


def _connect(path: Path) -> sqlite3.Connection:
    database = sqlite3.connect(path, timeout=5)
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("PRAGMA synchronous = NORMAL")
    return database


def _text(value: Decimal | None) -> str | None:
    return None if value is None else str(value)

"""Inbox, ledger and journal: order kept, nothing lost in silence, and a failing disk is said and survived."""

import asyncio
import os
import resource
import sqlite3
import time
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.bot_servers import wait_for

from tradefleet_bot.core.carry import Carry, Latch
from tradefleet_bot.core.commands import Persist, Record
from tradefleet_bot.core.events import CashFlow, DepthDelta, Event, FeedState, Fill, OrderReport, Quote, Trade
from tradefleet_bot.shell import journal_files, ledger
from tradefleet_bot.shell.inbox import Inbox
from tradefleet_bot.shell.journal_files import JournalFiles
from tradefleet_bot.shell.ledger import Ledger

FILL = Fill(7, 6, "BTCUSDT", "c", "t1", "BUY", Decimal("1.10"), Decimal("0.2"), Decimal("0.01"), False)


# -- inbox -------------------------------------------------------------------------------------------------------------
def _quote(n: int, symbol: str = "A") -> Quote:
    return Quote(n, n, symbol, 1.0, 1.0, 2.0, 1.0)


def _drain(inbox: Inbox) -> list[Event]:
    async def take() -> list[Event]:
        return await inbox.take(10**6) if len(inbox) else []

    return asyncio.run(take())


def _no_overflow(dropped: int) -> list[Event]:
    raise AssertionError(f"{dropped} dropped")


def test_below_the_limit_everything_comes_out_in_order() -> None:
    inbox = Inbox(_no_overflow, limit=10)
    events: list[Event] = [_quote(1), Trade(2, 2, "A", 1.0, 1.0, "BUY"), _quote(3), FILL]
    inbox.put(events)
    assert _drain(inbox) == events


def test_under_pressure_only_the_latest_quotes_are_kept() -> None:
    inbox = Inbox(_no_overflow, limit=10)
    inbox.put([FILL, *(_quote(n, "AB"[n % 2]) for n in range(11))])
    assert _drain(inbox) == [FILL, _quote(9, "B"), _quote(10)]
    assert inbox.conflated == 9
    assert inbox.dropped == 0


def test_beyond_that_market_data_is_dropped_and_the_feed_taken_down() -> None:
    down = FeedState(99, "A", "trade", up=False, reason="overflow")
    inbox = Inbox(lambda dropped: [down], limit=10)
    trades = [Trade(n, n, "A", 1.0, 1.0, "BUY") for n in range(11)]
    inbox.put([FILL, *trades])
    assert _drain(inbox) == [FILL, down]
    assert inbox.dropped == 11
    inbox.put(trades[:10])
    assert len(_drain(inbox)) == 10


_EVENTS = st.lists(st.sampled_from(["quote", "trade", "depth", "fill", "flow"]), max_size=60)


@given(st.lists(_EVENTS, max_size=10), st.integers(1, 20))
def test_account_events_are_never_lost_or_reordered(batches: list[list[str]], limit: int) -> None:
    inbox = Inbox(lambda dropped: [], limit=limit)
    make: dict[str, Callable[[int], Event]] = {
        "quote": _quote,
        "trade": lambda n: Trade(n, n, "A", 1.0, 1.0, "BUY"),
        "depth": lambda n: DepthDelta(n, n, "A", (), ()),
        "fill": lambda n: Fill(n, n, "A", "c", str(n), "BUY", Decimal(1), Decimal(1), Decimal(0), False),
        "flow": lambda n: CashFlow(n, n, "funding", "A", Decimal(1), str(n)),
    }
    sent, got, market = [], [], 0
    n = 0
    for batch in batches:
        events = []
        for kind in batch:
            n += 1
            events.append(make[kind](n))
        inbox.put(events)
        sent += [event for event in events if isinstance(event, Fill | CashFlow)]
        market += sum(1 for event in events if not isinstance(event, Fill | CashFlow))
        assert len(inbox) <= limit + len(sent)
        out = _drain(inbox)
        got += [event for event in out if isinstance(event, Fill | CashFlow)]
        market -= sum(1 for event in out if not isinstance(event, Fill | CashFlow))
    assert got == sent
    assert market == inbox.conflated + inbox.dropped


# -- ledger ------------------------------------------------------------------------------------------------------------
def _rows(path: Path, query: str) -> list[tuple[object, ...]]:
    database = sqlite3.connect(path)
    try:
        return database.execute(query).fetchall()
    finally:
        database.close()


def test_the_ledger_keeps_what_happened_once_and_the_carried_state(tmp_path: Path) -> None:
    kept = Carry(latches=(Latch("drawdown", "too deep", 5),), rearm="x")
    book = Ledger(tmp_path)
    with book.opened():
        assert book.kept_carry() is None
        assert book.alive_until() is None
        for _ in range(2):
            book.event(FILL)
            book.event(CashFlow(8, 8, "funding", "BTCUSDT", Decimal("-0.5"), "f1"))
        book.command(Record(9, "BTCUSDT", "decision", "held", "spread too wide", action="HOLD", score=0.1))
        book.command(Persist(9, Carry()))
        book.command(Persist(10, kept))
        assert book.fault is None
    assert _rows(book.path, "SELECT trade_id, price, fee_quote FROM fills") == [("t1", "1.10", "0.01")]
    assert _rows(book.path, "SELECT amount_quote FROM flows") == [("-0.5",)]
    assert _rows(book.path, "SELECT action, reason FROM decisions") == [("HOLD", "spread too wide")]
    again = Ledger(tmp_path)
    with again.opened():
        assert again.kept_carry() == kept
        assert again.recent_trades(0) == ["BTCUSDT/t1"]


def test_a_ledger_that_cannot_be_written_says_so_and_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ledger, "FAULT_AFTER", 0.1)
    book = Ledger(tmp_path)
    with book.opened():
        blocker = sqlite3.connect(book.path, isolation_level=None)
        blocker.execute("PRAGMA busy_timeout = 0")
        monkeypatch.setattr(ledger, "_connect", _impatient)
        blocker.execute("BEGIN EXCLUSIVE")
        book.event(FILL)
        book.event(OrderReport(8, 8, "BTCUSDT", "c", "FILLED"))
        reason = wait_for("the fault", lambda: book.fault)
        assert "database is locked" in reason
        blocker.execute("COMMIT")
        blocker.close()
        wait_for("the fault to end", lambda: book.fault is None)
        wait_for("the fill", lambda: _rows(book.path, "SELECT trade_id FROM fills") == [("t1",)])


def _impatient(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(path, timeout=0)


# -- journal -----------------------------------------------------------------------------------------------------------
def test_the_journal_is_what_was_appended_in_segments(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal_files, "SEGMENT_BYTES", 1_000)
    monkeypatch.setattr(journal_files, "FLUSH_SECONDS", 0.01)
    files = JournalFiles(tmp_path, "run")
    parts = [b"TFJ1\n", *(os.urandom(50) for _ in range(100))]
    with files.opened():
        for part in parts:
            files.append(part)
            time.sleep(0.0005)
    folder = tmp_path / "journal" / "run"
    assert journal_files.read(folder) == b"".join(parts)
    assert len(list(folder.iterdir())) > 1
    assert all(path.name.endswith(".tfj.gz") for path in folder.iterdir())
    assert journal_files.is_journal(folder)
    assert journal_files.is_journal(folder / "000000.tfj.gz")
    assert files.fault is None
    assert files.lost_bytes == 0


def test_old_segments_make_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal_files, "KEEP_BYTES", 2_500)
    for run in range(4):
        files = JournalFiles(tmp_path, f"{run:013d}")
        with files.opened():
            files.append(b"TFJ1\n" + os.urandom(1_000))
    assert sorted(path.name for path in (tmp_path / "journal").iterdir()) == [f"{run:013d}" for run in (2, 3)]


def test_a_full_disk_is_said_and_records_stay_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal_files, "FAULT_AFTER", 0.1)
    monkeypatch.setattr(journal_files, "FLUSH_SECONDS", 0.02)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    files = JournalFiles(tmp_path, "run")
    record = b"r" * 700
    with files.opened():
        resource.setrlimit(resource.RLIMIT_FSIZE, (1_000, limits[1]))  # as a full disk: write() stops short, then fails
        try:
            files.append(record)
            files.append(record)
            assert "cannot be written" in wait_for("the fault", lambda: files.fault)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        wait_for("the fault to end", lambda: files.fault is None)
    assert journal_files.read(tmp_path / "journal" / "run") == record * 2

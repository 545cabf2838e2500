"""A journal gives its own commands back, in any process; a torn tail costs only itself."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.engine_world import RULES, SECOND, START, SYMBOL, desk, directive, engine, market, run, wave, when_allowed

from tradefleet_bot.core.events import Event, Fill, Restored
from tradefleet_bot.core.journal.codec import (
    COMMAND,
    EVENT,
    Entry,
    Header,
    Journal,
    JournalError,
    decode_event,
    encode,
    record,
    start,
)
from tradefleet_bot.core.replay import Digest, replay_journal
from tradefleet_bot.core.state import EngineConfig

ACTIONS = ("OPEN_LONG", "REDUCE", "CLOSE", "OPEN_SHORT", "CLOSE")
HEADER = Header(EngineConfig("test.bot", (SYMBOL,), SECOND, True), "d" * 64)
REPO = Path(__file__).parents[3]


def session() -> list[tuple[Event, list[object]]]:
    """A paper session in which something happens: two trades, funding, a halt."""
    target = desk(when_allowed(*ACTIONS))
    steps = run(target, [RULES, directive(), *market(START, wave(160))])
    at = START + 41 * SECOND
    return steps + run(target, [directive(at, halt="Cancel"), *market(at, wave(20))])  # type: ignore[return-value]  # commands


def journal_of(steps: list[tuple[Event, list[object]]]) -> bytes:
    data = start(HEADER)
    for event, commands in steps:
        data += record(EVENT, encode(event))
        for command in commands:
            data += record(COMMAND, encode(command))  # type: ignore[arg-type]  # a command
    return data


STEPS = session()
DATA = journal_of(STEPS)


def replayed(data: bytes) -> object:
    return replay_journal(Journal(data), engine(when_allowed(*ACTIONS)))


def test_the_session_is_worth_replaying() -> None:
    assert len([event for event, _ in STEPS if isinstance(event, Fill)]) >= 4


def test_a_journal_gives_its_own_commands_again() -> None:
    outcome = replayed(DATA)
    digest = Digest()
    for _, commands in STEPS:
        digest.add(commands)
    assert outcome.difference is None
    assert (outcome.events, outcome.commands) == (len(STEPS), digest.commands)
    assert outcome.digest == str(digest)


@pytest.mark.parametrize("hash_seed", ["0", "4711"])
def test_another_process_with_another_hash_seed_gives_the_same_bytes(tmp_path: Path, hash_seed: str) -> None:
    path = tmp_path / "run.tfj"
    path.write_bytes(DATA)
    program = (
        "import sys; from pathlib import Path\n"
        "from support.engine_world import engine, when_allowed\n"
        "from tradefleet_bot.core.journal.codec import Journal\n"
        "from tradefleet_bot.core.replay import replay_journal\n"
        f"outcome = replay_journal(Journal(Path(sys.argv[1]).read_bytes()), engine(when_allowed(*{ACTIONS!r})))\n"
        "print(outcome.digest, outcome.difference)\n"
    )
    paths = os.pathsep.join(str(REPO / part) for part in ("bot", "crds", "tests"))
    done = subprocess.run(
        [sys.executable, "-c", program, str(path)],
        env={**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": paths},
        capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip
    assert done.stdout.split() == [replayed(DATA).digest, "None"]


def test_the_first_difference_is_shown() -> None:
    events = [(event, list(commands)) for event, commands in STEPS]
    number = next(n for n, (_, commands) in enumerate(events) if len(commands) > 1)
    events[number][1].pop(0)
    difference = replayed(journal_of(events)).difference
    assert difference is not None
    assert difference.event_number == number
    assert difference.journaled != difference.replayed
    assert str(number) in str(difference)


def test_another_decision_is_a_difference() -> None:
    outcome = replay_journal(Journal(DATA), engine(when_allowed("OPEN_SHORT")))
    assert outcome.difference is not None
    assert "BUY" in outcome.difference.journaled


def test_every_event_survives_the_journal() -> None:
    for event, commands in STEPS:
        assert decode_event(encode(event)) == event
        for command in commands:
            if type(command).__name__ == "Persist":
                restored = Restored(START, command.carry)
                assert decode_event(encode(restored)) == restored


def test_a_tail_torn_at_any_byte_leaves_the_whole_records_before_it() -> None:
    records = [record(EVENT, encode(event)) for event, _ in STEPS[:3]]
    whole = start(HEADER) + b"".join(records)
    ends = [len(start(HEADER))]
    for each in records:
        ends.append(ends[-1] + len(each))
    for length in range(ends[0], len(whole) + 1):
        journal = Journal(whole[:length])
        entries = list(journal)
        good = max(end for end in ends if end <= length)
        assert (len(entries), journal.good, journal.torn) == (ends.index(good), good, length - good)


@given(st.integers(0, 10_000), st.integers(1, 255))
def test_a_flipped_byte_never_gives_a_wrong_record(position: int, flip: int) -> None:
    records = [(EVENT, encode(event)) for event, _ in STEPS[:5]]
    head = start(HEADER)
    body = bytearray(b"".join(record(EVENT, payload) for _, payload in records))
    body[position % len(body)] ^= flip
    expected = [Entry(EVENT, payload) for _, payload in records]
    entries = list(Journal(head + bytes(body)))
    assert entries == expected[: len(entries)]
    assert len(entries) < len(expected)


@given(st.binary(max_size=200))
def test_garbage_is_no_journal_or_an_empty_one(data: bytes) -> None:
    with pytest.raises(JournalError):
        Journal(data)
    assert list(Journal(start(HEADER) + data)) == []


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "does not begin with TFJ"),
        (b"TFJ2\n{}\n", "version"),
        (b"TFJ1\n{}", "cut short"),
        (b"TFJ1\n{}\n", "header cannot be read"),
        (b"TFJ1\n[1]\n", "header cannot be read"),
    ],
)
def test_a_file_that_is_no_journal_says_why(data: bytes, message: str) -> None:
    with pytest.raises(JournalError, match=message):
        Journal(data)


def test_the_last_event_may_lack_its_commands() -> None:
    last = max(n for n, (_, commands) in enumerate(STEPS) if len(commands) > 1)
    events = [(event, list(commands)) for event, commands in STEPS[: last + 1]]
    events[-1][1].pop()
    assert replayed(journal_of(events)).difference is None
    assert Journal(DATA).header == HEADER

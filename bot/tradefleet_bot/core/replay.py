"""Run recorded events through the engine again: a journal must give its own commands back, byte for byte.

A recording of market frames has no account: there the paper venue answers, as it does in a paper bot.
"""

import hashlib
from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Final

from msgspec import Struct

from tradefleet_api.botconfig import StaticOrders
from tradefleet_bot.core.commands import Command
from tradefleet_bot.core.desk import Desk
from tradefleet_bot.core.directive import from_static
from tradefleet_bot.core.engine import Engine
from tradefleet_bot.core.events import Event, Instrument
from tradefleet_bot.core.journal.codec import EVENT, Entry, decode_event, encode, readable

RULES: Final[dict[str, tuple[str, str, str, str]]] = {
    "BTCUSDT": ("0.10", "0.001", "0.001", "50"),
    "ETHUSDT": ("0.01", "0.001", "0.001", "20"),
}
"""Tick, lot, least quantity and least notional on Binance USD-M, for recordings, which do not hold them."""
OTHER_RULES: Final = ("0.0001", "0.1", "0.1", "5")


class Difference(Struct, frozen=True):
    """The first place where a replay parts from its journal."""

    event_number: int
    event: str
    journaled: str
    replayed: str

    def __str__(self) -> str:
        return (
            f"event {self.event_number} {self.event}: the journal has {self.journaled}, the replay gave {self.replayed}"
        )


class Outcome(Struct, frozen=True):
    """`digest`: SHA-256 of the encoded commands, one after another."""

    events: int
    commands: int
    digest: str
    difference: Difference | None = None


class Digest:
    """SHA-256 of a stream of commands."""

    def __init__(self) -> None:
        self._hash = hashlib.sha256()
        self.commands = 0

    def add(self, commands: Iterable[Command]) -> None:
        """Take in the commands of one event."""
        for command in commands:
            self._hash.update(encode(command))
            self.commands += 1

    def __str__(self) -> str:
        return self._hash.hexdigest()


def replay_journal(entries: Iterable[Entry], engine: Engine) -> Outcome:
    """Feed a journal's events to a fresh engine and compare its commands; stops at the first difference.

    The commands of the last event may be cut off by a crash: then only those that are there are compared.
    """
    digest, events = Digest(), 0
    for number, (event, journaled, last) in enumerate(_grouped(entries)):
        events += 1
        commands = engine.step(decode_event(event))
        digest.add(commands)
        replayed = [encode(command) for command in commands]
        if replayed[: len(journaled)] == journaled and (last or len(replayed) == len(journaled)):
            continue
        at = next((n for n, pair in enumerate(zip(journaled, replayed, strict=False)) if pair[0] != pair[1]), None)
        n = min(len(journaled), len(replayed)) if at is None else at
        difference = Difference(number, readable(event), _shown(journaled, n), _shown(replayed, n))
        return Outcome(events, digest.commands, str(digest), difference)
    return Outcome(events, digest.commands, str(digest))


def replay_market(events: Iterable[Event], desk: Desk) -> Iterator[list[Command]]:
    """The engine's commands for each event, those that answers of the paper venue caused included."""
    step = desk.step
    for event in events:
        for _, commands in step(event):
            yield commands


def with_orders(events: Iterable[Event], symbols: Iterable[str], orders: StaticOrders) -> Iterator[Event]:
    """A recording's events, preceded by what a recording lacks: the instruments' rules and orders from above."""
    stream = iter(events)
    first = next(stream, None)
    if first is None:
        return
    for symbol in symbols:
        tick, lot, least, notional = (Decimal(text) for text in RULES.get(symbol, OTHER_RULES))
        yield Instrument(first.at, symbol, tick, lot, least, notional)
    yield from_static(first.at, orders)
    yield first
    yield from stream


def _grouped(entries: Iterable[Entry]) -> Iterator[tuple[bytes, list[bytes], bool]]:
    """Each event with its commands; True with the last one."""
    event: bytes | None = None
    commands: list[bytes] = []
    for entry in entries:
        if entry.kind != EVENT:
            commands.append(entry.payload)
            continue
        if event is not None:
            yield event, commands, False
        event, commands = entry.payload, []
    if event is not None:
        yield event, commands, True


def _shown(commands: list[bytes], n: int) -> str:
    return readable(commands[n]) if n < len(commands) else "nothing"

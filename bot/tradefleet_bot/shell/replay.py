"""`tradefleet bot replay`: a journal must give its own commands again; a recording is traded on paper."""

import zlib
from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct

from tradefleet_api.botconfig import StaticOrders
from tradefleet_api.bundle import read_bundle
from tradefleet_api.refusal import RefusedError
from tradefleet_bot.core.commands import Command, Place, Record
from tradefleet_bot.core.decision import Model
from tradefleet_bot.core.desk import Desk
from tradefleet_bot.core.directive import nanoseconds
from tradefleet_bot.core.engine import Engine
from tradefleet_bot.core.events import Event
from tradefleet_bot.core.features import FeatureSet
from tradefleet_bot.core.journal.codec import Journal, JournalError
from tradefleet_bot.core.paper import PaperConfig, PaperVenue
from tradefleet_bot.core.replay import Difference, Digest, replay_journal, replay_market, with_orders
from tradefleet_bot.core.state import EngineConfig
from tradefleet_bot.shell import journal_files
from tradefleet_bot.shell.bundle import Load
from tradefleet_bot.venues.binance.recording import RecordingError, read

REPLAY_ACCOUNT = "replay"
_PEEK = 10_000


class Outcome(Struct, frozen=True):
    """What came out. `decisions` and `orders` are counted for recordings only."""

    source: str
    bundle: str
    events: int
    commands: int
    digest: str
    decisions: int | None = None
    orders: int | None = None
    torn_bytes: int = 0
    difference: Difference | None = None

    def facts(self) -> dict[str, object]:
        """As JSON-ready data."""
        facts = {name: getattr(self, name) for name in self.__struct_fields__}
        return facts | {"difference": None if self.difference is None else str(self.difference)}

    def __str__(self) -> str:
        more = "" if self.decisions is None else f", {self.decisions} decisions, {self.orders} orders"
        torn = f", torn tail of {self.torn_bytes} bytes left out" if self.torn_bytes else ""
        return f"{self.source}: {self.events} events, {self.commands} commands{more}{torn}; digest {self.digest}"


def replay(source: Path, bundle: Path, symbol: str | None, loader: Load) -> Outcome:
    """Replay a journal or a recording. Raises RefusedError with one sentence."""
    try:
        loaded = read_bundle(bundle.read_bytes(), None)
    except OSError as error:
        raise RefusedError(f"bundle {bundle} cannot be read: {error}") from error
    model = loader(loaded)
    try:
        if journal_files.is_journal(source):
            return _journal(source, model)
        return _recording(source, symbol, model, nanoseconds(loaded.manifest.decision_interval))
    except (OSError, EOFError, zlib.error) as error:
        raise RefusedError(f"{source} cannot be read: {error}") from error
    except (JournalError, RecordingError) as error:
        raise RefusedError(str(error)) from error


def _journal(source: Path, model: Model) -> Outcome:
    journal = Journal(journal_files.read(source))
    if journal.header.bundle != model.digest:
        raise RefusedError(
            f"the journal was written with bundle {journal.header.bundle}, this one is {model.digest}: give that bundle"
        )
    engine = Engine(journal.header.config, model, FeatureSet)
    outcome = replay_journal(journal, engine)
    return Outcome(
        source.name, model.digest, outcome.events, outcome.commands, outcome.digest, torn_bytes=journal.torn,
        difference=outcome.difference,
    )  # fmt: skip


def _recording(source: Path, symbol: str | None, model: Model, interval: int) -> Outcome:
    symbol = symbol or _only_symbol(source)
    config = EngineConfig(REPLAY_ACCOUNT, (symbol,), interval)
    desk = Desk(Engine(config, model, FeatureSet), PaperVenue(PaperConfig()))
    events = 0

    def counted() -> Iterator[Event]:
        nonlocal events
        for event in read(source, [symbol]):
            events += 1
            yield event

    digest, decisions, orders = Digest(), 0, 0
    for commands in replay_market(with_orders(counted(), [symbol], StaticOrders()), desk):
        digest.add(commands)
        for command in commands:
            decisions += _is_decision(command)
            orders += isinstance(command, Place)
    if not events:
        raise RefusedError(f"{source} holds no market event of {symbol}")
    return Outcome(source.name, model.digest, events, digest.commands, str(digest), decisions, orders)


def _only_symbol(source: Path) -> str:
    found = set()
    for number, event in enumerate(read(source)):
        found.add(getattr(event, "symbol", ""))
        if number > _PEEK:
            break
    found.discard("")
    if len(found) != 1:
        names = ", ".join(sorted(found)) or "none"
        raise RefusedError(f"{source} is not a recording of one symbol (found: {names}): name one with --symbol")
    return str(found.pop())


def _is_decision(command: Command) -> bool:
    return isinstance(command, Record) and command.topic == "decision"

"""The engine's loop: one task takes events in order, steps the desk, and hands on what comes out of it.

Nothing here waits: commands go to the gateway's tasks, the journal and the ledger to their threads.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Callable
from typing import Final

import structlog
from msgspec.structs import replace

from tradefleet_bot.core.commands import Command, Record
from tradefleet_bot.core.desk import Desk
from tradefleet_bot.core.events import (
    AccountEvent,
    AccountFeed,
    AccountState,
    Directive,
    Event,
    Liquidation,
    LiquidationPrice,
    MarkPrice,
    Quote,
    Trade,
)
from tradefleet_bot.core.journal.codec import COMMAND, EVENT, encode, record
from tradefleet_bot.shell.gateway import LiveGateway, Routed
from tradefleet_bot.shell.inbox import Inbox
from tradefleet_bot.shell.journal_files import JournalFiles
from tradefleet_bot.shell.ledger import Ledger
from tradefleet_bot.shell.metrics import Metrics

BATCH: Final = 128
"""Events between two looks at the other tasks: a burst delays `/healthz` and replies by a few milliseconds."""
_TIMED: Final = frozenset({Trade, Quote, MarkPrice, Liquidation})
_ACCOUNT: Final = frozenset(AccountEvent.__args__) - {AccountFeed, AccountState, LiquidationPrice}
_NS: Final = 1e9
_log = structlog.get_logger("engine")


class EngineLoop:
    """Runs one desk. `gateway` may come later: until then live commands are told to have failed."""

    def __init__(self, desk: Desk, inbox: Inbox, journal: JournalFiles, ledger: Ledger, metrics: Metrics) -> None:
        self.desk = desk
        self.gateway: LiveGateway | None = None
        self.decisions: Counter[str] = Counter()
        """By action."""
        self.events = 0
        self.beat = time.monotonic()
        """When the loop last took a turn."""
        self.live = asyncio.Event()
        """Set once orders from above allow any order on the wire."""
        self.on_no_route: Callable[[Command], list[Event]] = lambda _: []
        self._inbox = inbox
        self._journal = journal
        self._ledger = ledger
        self._metrics = metrics
        self._at = 0

    async def run(self) -> None:
        """Step until cancelled."""
        while True:
            for event in await self._inbox.take(BATCH):
                self.step(event)
            self.beat = time.monotonic()
            await asyncio.sleep(0)

    def step(self, event: Event) -> None:
        """Take one event through the desk and hand on everything that follows."""
        if event.at < self._at:
            event = replace(event, at=self._at)  # sources stamp on their own; engine time never goes backwards
        self._at = event.at
        kind = type(event)
        start = time.perf_counter_ns()
        steps = self.desk.step(event)
        took = time.perf_counter_ns() - start
        self.events += 1
        if kind in _TIMED:
            self._metrics.event_latency.observe(max(0.0, (event.at - event.ts) / _NS))  # type: ignore[union-attr]  # `_TIMED` have ts
        elif isinstance(event, Directive) and event.mode != "paper":
            self.live.set()
        decided = False
        for each, commands in steps:
            self._journal.append(record(EVENT, encode(each)))
            if type(each) in _ACCOUNT:
                self._ledger.event(each)
            for command in commands:
                self._journal.append(record(COMMAND, encode(command)))
                self._ledger.command(command)
                if isinstance(command, Record):
                    decided |= self._told(command)
                elif isinstance(command, Routed) and command.route == "live":
                    self._send(command)
        if len(steps) > 1:  # the paper venue spoke
            self._ledger.paper(self._at, self.desk.paper.snapshot())
        if decided:
            self._metrics.decision_latency.observe(took / _NS)

    def _send(self, command: Routed) -> None:
        if self.gateway is not None:
            self.gateway.send(command)
        else:
            self._inbox.put(self.on_no_route(command))

    def _told(self, command: Record) -> bool:
        """Log what people want to read, count decisions; True for a decision."""
        decision = command.topic == "decision"
        if decision:
            self.decisions[command.action or "HOLD"] += 1
        if command.outcome != "held":
            say = _log.warning if command.outcome in {"warning", "refused"} else _log.info
            say(
                command.topic,
                symbol=command.symbol or None,
                outcome=command.outcome,
                action=command.action,
                score=command.score,
                reason=command.reason,
                client_id=command.client_id,
            )
        return decision

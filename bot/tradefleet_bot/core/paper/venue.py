"""The paper venue: takes commands and market events, gives the same account events that a real venue gives.

Pessimistic where the truth can't be known: a taker gets only the size displayed at the best price, and each size
once; a resting order waits behind everything displayed at its price and is filled only by trades; commands and
answers each take the latency in event time; stops become market orders at the prices after their trigger; fees,
funding and liquidation are charged.
"""

from collections import deque
from typing import Literal

from msgspec.structs import replace

from tradefleet_bot.core.commands import Cancel, CancelAll, Command, Place, QueryOrder, Reconcile, SetLeverage
from tradefleet_bot.core.events import (
    AccountEvent,
    AccountPosition,
    AccountState,
    CommandFailed,
    Event,
    Instrument,
    MarkPrice,
    OrderReport,
    Quote,
    Trade,
)
from tradefleet_bot.core.paper.account import PaperAccount
from tradefleet_bot.core.paper.config import PaperConfig, PaperSnapshot
from tradefleet_bot.core.paper.matching import Matching


class PaperVenue:
    """`submit` takes a command at once; `step` takes each event and gives what the engine hears by then, in order."""

    def __init__(self, config: PaperConfig, snapshot: PaperSnapshot | None = None) -> None:
        self.config = config
        self.account = PaperAccount(config, snapshot)
        self._at = 0
        self._matching = Matching(self.account, self._say)
        if snapshot is not None:
            self._matching.restore(snapshot.orders)
        self._inbox: deque[tuple[int, Command]] = deque()
        self._outbox: deque[tuple[int, AccountEvent]] = deque()

    def submit(self, command: Command) -> None:
        """A command leaves the engine; it reaches the venue one latency later."""
        self._inbox.append((command.at + self.config.latency, command))

    def step(self, event: Event) -> list[AccountEvent]:
        """Take in an event; what became due by its time, restamped with it."""
        at = event.at
        at = max(at, self._at)
        self._at = at
        kind = type(event)
        if kind is Quote or kind is Trade or kind is MarkPrice:
            self._matching.market(event, at)  # type: ignore[arg-type]  # `kind` narrowed it; isinstance costs twice
        elif isinstance(event, Instrument):
            self._matching.rules[event.symbol] = event
        while self._inbox and self._inbox[0][0] <= at:
            self._command(self._inbox.popleft()[1], at)
        due: list[AccountEvent] = []
        while self._outbox and self._outbox[0][0] <= at:
            due.append(replace(self._outbox.popleft()[1], at=at))
        return due

    def snapshot(self) -> PaperSnapshot:
        """For the next start."""
        account = self.account
        held = tuple((name, p.quantity, p.entry) for name, p in account.positions.items() if p.quantity)
        orders = tuple(self._matching.open())
        return PaperSnapshot(account.wallet, account.number, held, orders, tuple(account.leverage.items()))

    def _command(self, command: Command, at: int) -> None:
        matching = self._matching
        if isinstance(command, Place):
            intent = command.order.value
            if at <= command.deadline:
                matching.place(intent, at)
            else:
                self._fail(command, "arrived after its deadline", intent.client_id)
        elif isinstance(command, Cancel):
            order = matching.orders.get(command.client_id)
            if order is None or order.phase == "closed":
                self._fail(command, "-2011 Unknown order sent.", command.client_id)
            else:
                matching.end(order, "CANCELED", at)
        elif isinstance(command, CancelAll):
            for order in matching.open(command.symbol):
                matching.end(order, "CANCELED", at)
        elif isinstance(command, QueryOrder):
            order = matching.orders.get(command.client_id)
            absent = OrderReport(at, command.at, command.symbol, command.client_id, "NOT_FOUND")
            self._say(absent if order is None else order.report(at))
        elif isinstance(command, SetLeverage):
            self.account.leverage[command.symbol] = command.leverage
        elif isinstance(command, Reconcile):
            self._say(self._state(command.at, at))

    def _state(self, requested: int, at: int) -> AccountState:
        account = self.account
        held = tuple(AccountPosition(name, p.quantity, p.entry) for name, p in account.positions.items() if p.quantity)
        orders = tuple(order.listed() for order in self._matching.open())
        return AccountState(at, at, "paper", account.wallet, held, orders, requested)

    def _fail(self, command: Place | Cancel, reason: str, client_id: str) -> None:
        name: Literal["place", "cancel"] = "place" if isinstance(command, Place) else "cancel"
        symbol = command.order.value.symbol if isinstance(command, Place) else command.symbol
        self._say(CommandFailed(self._at, name, "stop", reason, symbol, client_id, "paper", sent=command.at))

    def _say(self, event: AccountEvent) -> None:
        self._outbox.append((self._at + self.config.latency, event))

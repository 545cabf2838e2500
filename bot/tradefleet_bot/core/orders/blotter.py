"""Every order that was sent, where it stands, and what is still to be asked about it.

An order that got no answer is queried by its client id with growing pauses; it is never sent under another id. Only
when the venue says that it does not exist may it be sent again, under the same id, and only if it is still wanted.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from tradefleet_bot.core.commands import QueryOrder
from tradefleet_bot.core.events import OrderReport
from tradefleet_bot.core.limits import Route
from tradefleet_bot.core.orders.intent import OrderIntent
from tradefleet_bot.core.orders.table import CONFIRMED, OPEN, Input, State, UnknownTransitionError, next_state

RECEIVE_WINDOW: Final = 6_000_000_000
"""Within this time after sending (ns) a delayed request may still reach the venue: its receive window (5 s), and a
second. That the venue does not know an order is not believed of an earlier query: sent again, it could exist twice."""
FIRST_QUERY: Final = 250_000_000
MAX_PAUSE: Final = 30_000_000_000
MAX_QUERIES: Final = 6
"""After so many queries without an answer a person must look."""
KEEP: Final = 512
"""Closed orders that are remembered, for late fills."""


@dataclass(slots=True)
class Order:
    """One order; `booked` is what its fills (and inferred fills) moved the position by, `reported` the venue's word."""

    intent: OrderIntent
    route: Route
    sent_at: int
    state: State = "PENDING_NEW"
    sends: int = 1
    venue_id: str = ""
    booked: Decimal = Decimal(0)
    booked_quote: Decimal = Decimal(0)
    by_trades: Decimal = Decimal(0)
    reported: Decimal = Decimal(0)
    average_price: Decimal | None = None
    reason: str = ""
    asked_at: int | None = None
    """When an answer is overdue or the next query is due, ns; None when nothing is awaited."""
    queries: int = 0
    gap_at: int | None = None
    """Since when the venue reports more filled than its fills have shown."""
    again_at: int = 0
    """Not to be sent again before, ns."""
    dropped: bool = False
    """Absent, and no longer wanted."""

    @property
    def open(self) -> bool:
        return self.state in OPEN

    @property
    def confirmed(self) -> bool:
        return self.state in CONFIRMED

    @property
    def matters(self) -> bool:
        """It may still change the position, or be sent again."""
        return self.open or self.reported > self.booked or (self.state == "ABSENT" and not self.dropped)

    @property
    def passing(self) -> bool:
        """True in states that must end soon: without news it is asked about."""
        return self.state in ("PENDING_NEW", "PENDING_CANCEL", "TRIGGERED") or self.intent.time_in_force == "IOC"

    @property
    def remaining(self) -> Decimal:
        """What it may still add to the position, unsigned base units; a closed order may still owe reported fills."""
        owed = max(self.reported - self.booked, Decimal(0))
        return max(self.intent.quantity - self.booked, Decimal(0)) if self.open else owed


class Blotter:
    """Orders by client id, in the order they were sent."""

    def __init__(self, strict: bool) -> None:
        self._strict = strict
        self._orders: dict[str, Order] = {}
        self._active: dict[str, Order] = {}  # a superset of those that still matter, tidied while it is read
        self.contradictions: list[str] = []
        """Sentences about transitions outside the table, not yet collected by the engine."""

    def get(self, client_id: str) -> Order | None:
        """The order sent under this id; None also for one that ended long ago."""
        return self._orders.get(client_id)

    def add(self, order: Order) -> None:
        """Keep an order that is being sent, or was found open."""
        if order.intent.client_id in self._orders:
            raise UnknownTransitionError(f"client id {order.intent.client_id} was used before")
        self._orders[order.intent.client_id] = self._active[order.intent.client_id] = order
        if len(self._orders) > KEEP:
            self._forget()

    def orders(self, symbol: str | None = None) -> list[Order]:
        """Orders (of one symbol) that may still change the position or be sent again, in a fixed order."""
        found: list[Order] = []
        ended: list[str] = []
        for client_id, order in self._active.items():
            if not order.matters:
                ended.append(client_id)
            elif symbol is None or order.intent.symbol == symbol:
                found.append(order)
        for client_id in ended:
            del self._active[client_id]
        return found

    def send_again(self, order: Order, at: int, timeout: int) -> None:
        """The same order under the same id: the venue has said that it does not exist."""
        order.sends += 1
        order.sent_at = at
        self.apply(order, "SENT_AGAIN", at, timeout)

    def apply(self, order: Order, incoming: Input, at: int, timeout: int) -> None:
        """Move one order along the table and set when to ask about it next."""
        if incoming == "REFUSED" and order.sends > 1:
            incoming = "NO_REPLY"  # a refused duplicate says that the first one stands: ask
        state = next_state(order.state, incoming)
        if state is None:
            self._contradiction(order, incoming)
            state = "UNKNOWN"
        changed, order.state = state != order.state, state
        self._active[order.intent.client_id] = order
        if state == "UNKNOWN":
            if changed:
                order.queries = 0
                order.asked_at = at + FIRST_QUERY
        elif not order.open:
            order.asked_at = None
        elif changed or order.asked_at is None:
            order.asked_at = at + timeout if order.passing else None

    def report(self, order: Order, event: OrderReport, timeout: int) -> None:
        """Take in the venue's word; `filled` only ever grows."""
        if event.venue_id:
            order.venue_id = event.venue_id
        if event.filled > order.reported:
            order.reported = event.filled
            order.average_price = event.average_price
        if event.reason:
            order.reason = event.reason
        incoming: Input = event.status
        if incoming == "NOT_FOUND" and event.ts < order.sent_at + RECEIVE_WINDOW:
            incoming = "NO_REPLY"
        self.apply(order, incoming, event.at, timeout)
        if order.reported > order.booked and order.gap_at is None:
            order.gap_at = event.at

    def overdue(self, at: int, timeout: int) -> Iterator[QueryOrder]:
        """Queries that are due now; each one sets the pause before the next."""
        for order in self.orders():
            if order.asked_at is None or at < order.asked_at:
                continue
            self.apply(order, "NO_REPLY", at, timeout)
            order.queries += 1
            order.asked_at = at + min(FIRST_QUERY << order.queries, MAX_PAUSE)
            intent = order.intent
            yield QueryOrder(at, order.route, intent.symbol, intent.client_id, intent.conditional)

    def _contradiction(self, order: Order, incoming: Input) -> None:
        text = f"order {order.intent.client_id} is {order.state} and the venue then said {incoming}"
        if self._strict:
            raise UnknownTransitionError(text)
        self.contradictions.append(text)

    def _forget(self) -> None:
        for client_id, order in list(self._orders.items()):
            if len(self._orders) <= KEEP:
                return
            if not order.matters:
                del self._orders[client_id]

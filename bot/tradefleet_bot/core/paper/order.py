"""One order at the paper venue."""

from decimal import Decimal
from typing import Final, Literal

from msgspec import Struct

from tradefleet_bot.core.events import OpenOrder, OrderReport, OrderStatus
from tradefleet_bot.core.orders.intent import OrderIntent
from tradefleet_bot.core.portfolio import ZERO

Phase = Literal["waiting", "resting", "taking", "closed"]
"""waiting: a conditional order before its trigger. resting: a limit order in the queue. taking: a market remainder."""
CLOSED: Final[frozenset[OrderStatus]] = frozenset({"FILLED", "CANCELED", "REJECTED", "EXPIRED"})


class PaperOrder(Struct, array_like=True):
    """`ahead`: size that must trade at its price before it does; None while it is behind the best price."""

    intent: OrderIntent
    venue_id: str
    status: OrderStatus = "NEW"
    phase: Phase = "waiting"
    filled: Decimal = ZERO
    paid: Decimal = ZERO
    ahead: Decimal | None = None
    reason: str = ""

    @property
    def left(self) -> Decimal:
        return self.intent.quantity - self.filled

    def close(self, status: OrderStatus, reason: str = "") -> None:
        """It ends here."""
        self.status, self.phase, self.reason = status, "closed", reason

    def report(self, at: int) -> OrderReport:
        """Where it stands."""
        average = self.paid / self.filled if self.filled else None
        intent = self.intent
        return OrderReport(
            at, at, intent.symbol, intent.client_id, self.status, self.venue_id, self.filled, average, self.reason
        )

    def listed(self) -> OpenOrder:
        """As a snapshot of the account lists it."""
        intent = self.intent
        return OpenOrder(
            intent.symbol,
            intent.client_id,
            intent.side,
            intent.kind,
            intent.quantity,
            self.filled,
            intent.price,
            intent.trigger,
            intent.reduce_only,
            intent.close_position,
            self.venue_id,
        )

"""What the engine wants the venue to do, before and after risk has looked at it."""

from decimal import Decimal
from typing import Literal

from msgspec import Struct

from tradefleet_bot.core.events import Side

Leg = Literal["entry", "stop", "take_profit", "exit"]
Kind = Literal["LIMIT", "STOP_MARKET", "TAKE_PROFIT_MARKET"]
"""LIMIT goes to the order book; the other two are conditional (algo) orders that rest at the venue until triggered."""
TimeInForce = Literal["GTC", "IOC", "GTX"]
WorkingType = Literal["MARK_PRICE", "CONTRACT_PRICE"]


class OrderIntent(Struct, frozen=True, array_like=True):
    """One order as the venue would get it.

    `price` (quote per base, a multiple of the tick) belongs to LIMIT; `trigger` and `working_type` to the conditional
    kinds, which then trade at market. `quantity` is in base units, a multiple of the lot; with `close_position` the
    venue closes whatever is open when it triggers and `quantity` is what the engine expects that to be.
    """

    client_id: str
    symbol: str
    side: Side
    leg: Leg
    kind: Kind
    quantity: Decimal
    price: Decimal | None = None
    trigger: Decimal | None = None
    time_in_force: TimeInForce = "GTC"
    reduce_only: bool = False
    close_position: bool = False
    working_type: WorkingType = "CONTRACT_PRICE"
    decided_at: int = 0
    """Engine time of the decision that led to it, ns."""

    @property
    def conditional(self) -> bool:
        """True where the venue's algo endpoints must be used."""
        return self.kind != "LIMIT"

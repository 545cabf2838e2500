"""Orders as values, and the one table of what may become of them.

Prices are ticks, quantities lots, times milliseconds. An order is replaced, never changed: events carry it as it was.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import IntEnum, StrEnum
from typing import Final


class Side(StrEnum):
    BUY = "BUY"
    SELL = "SELL"

    @property
    def sign(self) -> int:
        return 1 if self is Side.BUY else -1

    @property
    def opposite(self) -> Side:
        return Side.SELL if self is Side.BUY else Side.BUY


class Kind(StrEnum):
    LIMIT = "LIMIT"
    MARKET = "MARKET"


class TimeInForce(StrEnum):
    GTC = "GTC"
    IOC = "IOC"
    FOK = "FOK"
    GTX = "GTX"  # post-only


class Status(StrEnum):
    NEW = "NEW"
    PARTIALLY_FILLED = "PARTIALLY_FILLED"
    FILLED = "FILLED"
    CANCELED = "CANCELED"
    EXPIRED = "EXPIRED"
    EXPIRED_IN_MATCH = "EXPIRED_IN_MATCH"


OPEN: Final = frozenset({Status.NEW, Status.PARTIALLY_FILLED})
_ENDS: Final = frozenset({Status.CANCELED, Status.EXPIRED, Status.EXPIRED_IN_MATCH})
_FILLS: Final = frozenset({Status.PARTIALLY_FILLED, Status.FILLED})
TRANSITIONS: Final[dict[Status, frozenset[Status]]] = {
    Status.NEW: _FILLS | _ENDS,
    Status.PARTIALLY_FILLED: _FILLS | _ENDS,
    **{status: frozenset[Status]() for status in Status if status not in OPEN},
}


class Expiry(IntEnum):
    """Why an order expired (Binance's `er`)."""

    NONE = 0
    SELF_TRADE = 1
    IOC_REMAINDER = 2
    REDUCE_ONLY = 4
    LIQUIDATION = 5
    MARKET_REMAINDER = 9


@dataclass(frozen=True, slots=True)
class NewOrder:
    """A request. `price` 0 for a market order. `client_id` empty: the exchange makes one."""

    symbol: str
    side: Side
    kind: Kind
    lots: int
    price: int = 0
    time_in_force: TimeInForce = TimeInForce.GTC
    reduce_only: bool = False
    close_position: bool = False
    client_id: str = ""
    algo_id: int = 0
    forced: bool = False  # by the exchange itself: a liquidation


@dataclass(frozen=True, slots=True)
class Order:
    """An order the exchange accepted. `value` is the sum of price times lots over its fills (ticks × lots)."""

    id: int
    client_id: str
    account: str
    symbol: str
    side: Side
    kind: Kind
    time_in_force: TimeInForce
    price: int
    lots: int
    reduce_only: bool
    close_position: bool
    algo_id: int
    forced: bool
    created: int
    updated: int
    status: Status = Status.NEW
    filled: int = 0
    value: int = 0
    expiry: Expiry = Expiry.NONE

    @property
    def remaining(self) -> int:
        return self.lots - self.filled

    @property
    def reduces(self) -> bool:
        return self.reduce_only or self.close_position

    @property
    def is_open(self) -> bool:
        return self.status in OPEN

    def fill(self, at: int, price: int, lots: int) -> Order:
        if not 0 < lots <= self.remaining:
            raise AssertionError(f"fill of {lots} lots on an order with {self.remaining} left")
        filled = self.filled + lots
        status = Status.FILLED if filled == self.lots else Status.PARTIALLY_FILLED
        return replace(self._to(status, at), filled=filled, value=self.value + price * lots)

    def end(self, at: int, status: Status, expiry: Expiry = Expiry.NONE) -> Order:
        return replace(self._to(status, at), expiry=expiry)

    def _to(self, status: Status, at: int) -> Order:
        if status not in TRANSITIONS[self.status]:
            raise AssertionError(f"order {self.id} cannot go from {self.status} to {status}")
        return replace(self, status=status, updated=at)


@dataclass(frozen=True, slots=True)
class Fill:
    """`fee` and `realized` are money units."""

    trade_id: int
    at: int
    order_id: int
    price: int
    lots: int
    fee: int
    maker: bool
    realized: int

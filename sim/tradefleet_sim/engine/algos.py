"""Conditional orders: they wait outside the book until a price is reached, then become ordinary orders."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from tradefleet_sim.engine.orders import Side, TimeInForce


class AlgoKind(StrEnum):
    STOP = "STOP"
    STOP_MARKET = "STOP_MARKET"
    TAKE_PROFIT = "TAKE_PROFIT"
    TAKE_PROFIT_MARKET = "TAKE_PROFIT_MARKET"

    @property
    def is_stop(self) -> bool:
        return self in (AlgoKind.STOP, AlgoKind.STOP_MARKET)

    @property
    def is_limit(self) -> bool:
        return self in (AlgoKind.STOP, AlgoKind.TAKE_PROFIT)


class WorkingType(StrEnum):
    CONTRACT_PRICE = "CONTRACT_PRICE"
    MARK_PRICE = "MARK_PRICE"


class AlgoStatus(StrEnum):
    NEW = "NEW"
    TRIGGERING = "TRIGGERING"
    TRIGGERED = "TRIGGERED"
    FINISHED = "FINISHED"
    CANCELED = "CANCELED"
    REJECTED = "REJECTED"
    EXPIRED = "EXPIRED"


ALGO_TRANSITIONS: Final[dict[AlgoStatus, frozenset[AlgoStatus]]] = {
    AlgoStatus.NEW: frozenset({AlgoStatus.TRIGGERING, AlgoStatus.CANCELED, AlgoStatus.EXPIRED}),
    AlgoStatus.TRIGGERING: frozenset({AlgoStatus.TRIGGERED, AlgoStatus.REJECTED, AlgoStatus.EXPIRED}),
    AlgoStatus.TRIGGERED: frozenset({AlgoStatus.FINISHED}),
    AlgoStatus.FINISHED: frozenset(),
    AlgoStatus.CANCELED: frozenset(),
    AlgoStatus.REJECTED: frozenset(),
    AlgoStatus.EXPIRED: frozenset(),
}


@dataclass(frozen=True, slots=True)
class NewAlgo:
    """A request. `trigger` and `price` are ticks; `lots` is 0 with `close_position`."""

    symbol: str
    side: Side
    kind: AlgoKind
    trigger: int
    lots: int = 0
    price: int = 0
    time_in_force: TimeInForce = TimeInForce.GTC
    working: WorkingType = WorkingType.CONTRACT_PRICE
    reduce_only: bool = False
    close_position: bool = False
    price_protect: bool = False
    client_id: str = ""


@dataclass(frozen=True, slots=True)
class Algo:
    id: int
    client_id: str
    account: str
    request: NewAlgo
    created: int
    updated: int
    status: AlgoStatus = AlgoStatus.NEW
    triggered: int = 0  # when, ms
    order_id: int = 0  # of the order it became
    reason: str = ""  # why it was rejected

    def to(self, status: AlgoStatus, at: int, *, order_id: int = 0, reason: str = "") -> Algo:
        if status not in ALGO_TRANSITIONS[self.status]:
            raise AssertionError(f"algo order {self.id} cannot go from {self.status} to {status}")
        return replace(
            self,
            status=status,
            updated=at,
            triggered=at if status is AlgoStatus.TRIGGERING else self.triggered,
            order_id=order_id or self.order_id,
            reason=reason or self.reason,
        )


def reached(request: NewAlgo, price: int, scale: int = 1) -> bool:
    """Whether `price` (ticks times `scale`) has reached the trigger: stops follow the move, take-profits await it."""
    trigger = request.trigger * scale
    rises = (request.side is Side.BUY) == request.kind.is_stop
    return price >= trigger if rises else price <= trigger

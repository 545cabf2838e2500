"""What must be at the venue for a position to be safe, as a plan: pure, level-based, repeated after every event.

Flat: nothing may be left working. In a position: one confirmed stop on the other side that closes all of it, then a
take-profit; no confirmed stop within the timeout, or any reason to exit: close, reduce-only, until flat.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, Literal

from tradefleet_bot.core.orders.blotter import Order
from tradefleet_bot.core.orders.intent import Leg

MAX_SENDS: Final = 4
"""One order is sent at most so often, and so many stops are tried for one position, before it is closed instead."""
Step = Literal["cancel", "again", "drop", "stop", "target", "exit"]


@dataclass(frozen=True, slots=True)
class Exposure:
    """One symbol: signed position, its orders that are open or may be sent again, and what else decides."""

    at: int
    position: Decimal
    orders: tuple[Order, ...]
    new_risk: bool
    """False where entries must not stay open."""
    targets: bool
    """False where take-profits must not stay open (halt level Cancel), or the venue refused one."""
    exiting: bool
    exit_at: int
    priced: bool
    """A price is known, so an exit can be limited."""


@dataclass(frozen=True, slots=True)
class Want:
    """One step; `order` for those that concern an order that is there."""

    step: Step
    order: Order | None = None


def protected(exposure: Exposure) -> bool:
    """A confirmed stop covers the whole position."""
    return any(order.confirmed and covers(order, exposure.position) for order in exposure.orders)


def covers(order: Order, position: Decimal) -> bool:
    """It is a stop on the other side that closes all of the position."""
    intent = order.intent
    if intent.leg != "stop" or (intent.side == "SELL") != (position > 0):
        return False
    return intent.close_position or intent.quantity - order.booked >= abs(position)


def plan(e: Exposure) -> list[Want]:
    """The steps to take now, in order; an order whose cancel or query is under way is left alone."""
    wants: list[Want] = []
    kept: dict[Leg, Order] = {}
    for order in e.orders:
        wanted = order.intent.leg not in kept and _wanted(e, order)
        if wanted:
            kept[order.intent.leg] = order
        if order.state == "ABSENT":
            wants.extend(_absent(e, order, wanted=wanted))
        elif not wanted and order.state in ("WORKING", "PARTIALLY_FILLED") and order.intent.time_in_force != "IOC":
            wants.append(Want("cancel", order))
    if not e.position:
        return wants
    stop = kept.get("stop")
    if stop is None and not e.exiting:
        wants.append(Want("stop"))
    elif stop is not None and stop.confirmed and "take_profit" not in kept and e.targets and not e.exiting:
        wants.append(Want("target"))
    if e.exiting and "exit" not in kept and e.priced and e.at >= e.exit_at:
        wants.append(Want("exit"))
    return wants


def _wanted(e: Exposure, order: Order) -> bool:
    intent = order.intent
    if intent.leg == "entry":
        return e.new_risk and order.state != "ABSENT"
    if order.state == "ABSENT" and order.sends >= MAX_SENDS:
        return False
    if intent.leg == "stop":
        return bool(e.position) and covers(order, e.position)
    against = bool(e.position) and (intent.side == "SELL") == (e.position > 0)
    return against and (intent.leg == "exit" or (e.targets and intent.close_position))


def _absent(e: Exposure, order: Order, *, wanted: bool) -> Iterator[Want]:
    if not wanted:
        yield Want("drop", order)
    elif e.at >= order.again_at:
        yield Want("again", order)

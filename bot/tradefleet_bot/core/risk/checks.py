"""Checks that look at one order; new risk must pass all of them, a reducing order those of `REDUCING`."""

from collections.abc import Callable
from decimal import Decimal
from typing import Final

from tradefleet_bot.core.orders.intent import OrderIntent
from tradefleet_bot.core.risk.context import Context
from tradefleet_bot.core.risk.verdict import Refused

Check = Callable[[OrderIntent, Context], Refused | None]

MAINTENANCE: Final = Decimal("0.01")
"""Maintenance margin assumed where the venue gives no liquidation price: above the lowest tiers of the big pairs."""
REDUCING_COLLAR: Final = Decimal("0.045")
"""A reducing order may reach this far: the venue's own price band (PERCENT_PRICE, 5 % on the big pairs) and no less."""


def instrument_rules(intent: OrderIntent, c: Context) -> Refused | None:
    """Quantity in lots, prices in ticks, both positive; least quantity and notional unless the order reduces."""
    rules = c.instrument
    if rules is None:
        return Refused("instrument", "the instrument's rules are not known yet")
    if intent.quantity <= 0 or intent.quantity % rules.lot:
        return Refused("lot", f"{intent.quantity} is not a positive multiple of {rules.lot}")
    for price in (intent.price, intent.trigger):
        if price is not None and (price <= 0 or price % rules.tick):
            return Refused("tick", f"{price} is not a positive multiple of {rules.tick}")
    if intent.reduce_only:
        return None
    if intent.quantity < rules.min_quantity:
        return _below("min_quantity", "quantity", intent.quantity, rules.min_quantity)
    notional = intent.quantity * _worst(intent, c)
    if notional < rules.min_notional:
        return _below("min_notional", "notional", notional, rules.min_notional)
    return None


def priced(intent: OrderIntent, _: Context) -> Refused | None:
    """No naked market orders: what trades at once has a limit price, what waits has a trigger."""
    if intent.kind == "LIMIT":
        return None if intent.price is not None else Refused("priced", "an order without a limit price")
    if intent.trigger is None:
        return Refused("priced", "a conditional order without a trigger")
    return None if intent.reduce_only or intent.close_position else Refused("priced", "a conditional order adds risk")


def reduces(intent: OrderIntent, c: Context) -> Refused | None:
    """A reducing order is against the position and not larger than it."""
    if not c.position or (intent.side == "BUY") == (c.position > 0):
        return Refused("reduce_only", f"{intent.side} does not reduce a position of {c.position}")
    if intent.quantity > abs(c.position):
        return _above("reduce_only", "quantity against the position", intent.quantity, abs(c.position))
    return None


def one_direction(intent: OrderIntent, c: Context) -> Refused | None:
    """An entry never turns a position round."""
    if c.position and (intent.side == "BUY") != (c.position > 0):
        return Refused("direction", f"{intent.side} against a position of {c.position}: close it first")
    return None


def price_collar(intent: OrderIntent, c: Context) -> Refused | None:
    """The limit price against mid, and mark where it is known."""
    price = intent.price
    if price is None:
        return None
    limit = REDUCING_COLLAR if intent.reduce_only else c.limits.price_collar_ratio
    for name, reference in (("mid", c.mid), ("mark", None if intent.reduce_only else c.mark)):
        if reference is None or not reference:
            continue
        distance = abs(price - reference) / reference
        if distance > limit:
            return _above("price_collar", f"distance of the price from the {name}", distance, limit)
    return None


def max_position(intent: OrderIntent, c: Context) -> Refused | None:
    """The symbol's notional after the fill, orders in flight included, against the largest position."""
    if c.basis is None:
        return Refused("max_position", "the equity is not known yet")
    after = (abs(c.position) + c.in_flight + intent.quantity) * _worst(intent, c)
    limit = c.limits.max_position_ratio * c.basis
    return _above("max_position", "notional after the order", after, limit) if after > limit else None


def max_leverage(intent: OrderIntent, c: Context) -> Refused | None:
    """The account's notional after the fill over its capital."""
    if c.basis is None or c.basis <= 0:
        return Refused("max_leverage", "no equity is known")
    after = c.gross_others + (abs(c.position) + c.in_flight + intent.quantity) * _worst(intent, c)
    ratio = after / c.basis
    if ratio > c.limits.max_leverage:
        return _above("max_leverage", "leverage after the order", ratio, c.limits.max_leverage)
    return None


def liquidation_distance(intent: OrderIntent, c: Context) -> Refused | None:
    """Distance to liquidation as a ratio of the price: estimated after the fill, and the venue's own where it has one.

    Estimate for cross margin: equity / notional - maintenance margin rate.
    """
    if c.equity is None or c.mid is None:
        return Refused("liquidation_distance", "the equity or the price is not known yet")
    limit = c.limits.min_liquidation_distance_ratio
    after = c.gross_others + (abs(c.position) + c.in_flight + intent.quantity) * _worst(intent, c)
    distance = c.equity / after - MAINTENANCE
    if c.liquidation is not None and c.position:
        distance = min(distance, abs(c.mid - c.liquidation) / c.mid)
    return _below("liquidation_distance", "distance to liquidation", distance, limit) if distance < limit else None


def _worst(intent: OrderIntent, c: Context) -> Decimal:
    """The highest price the quantity could be worth: its limit or the offer."""
    return max(intent.price or Decimal(0), c.ask or Decimal(0))


def _above(check: str, what: str, measured: Decimal, limit: Decimal) -> Refused:
    return Refused(check, f"{what} is above the limit", float(measured), float(limit))


def _below(check: str, what: str, measured: Decimal, limit: Decimal) -> Refused:
    return Refused(check, f"{what} is below the least", float(measured), float(limit))


NEW_RISK: Final[tuple[Check, ...]] = (
    priced,
    instrument_rules,
    one_direction,
    price_collar,
    max_position,
    max_leverage,
    liquidation_distance,
)
REDUCING: Final[tuple[Check, ...]] = (priced, instrument_rules, reduces, price_collar)

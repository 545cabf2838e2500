"""How much: the loss at the protective stop decides, the limits cap it, and the lot rounds it toward zero."""

from decimal import Decimal

from tradefleet_bot.core.orders.rounding import floor_to
from tradefleet_bot.core.risk.checks import MAINTENANCE
from tradefleet_bot.core.risk.context import Context
from tradefleet_bot.core.risk.verdict import Refused

ZERO = Decimal(0)


def stop_distance(c: Context, price: Decimal) -> Decimal | None:
    """Distance of the protective stop from the entry, in quote per base; None without an average true range."""
    if c.atr is None:
        return None
    return max(c.limits.stop_atr * c.atr, c.limits.min_stop_ratio * price)


def entry_quantity(c: Context, price: Decimal) -> Decimal | Refused:
    """Base units to trade at `price`; with a position, what may be added to it on its own side.

    quantity = (risk_per_trade_ratio x basis - loss of what is held at its stop) / stop distance, at most what keeps
    position, leverage and liquidation distance within their limits.
    """
    distance = stop_distance(c, price)
    if distance is None or c.instrument is None or c.basis is None or c.equity is None:
        return Refused("unknown", "a size needs the average true range, the instrument's rules and the equity")
    held_risk = ZERO
    if c.position:
        if c.stop is None:
            return Refused("unprotected", "a position without a confirmed stop is not added to")
        against = c.entry - c.stop if c.position > 0 else c.stop - c.entry
        held_risk = max(against, ZERO) * abs(c.position)
        distance = max(abs(price - c.stop), c.limits.min_stop_ratio * price)
    limits = c.limits
    worst = max(price, c.ask or price)
    held = (abs(c.position) + c.in_flight) * worst
    gross = c.gross_others + held
    room = min(
        limits.max_position_ratio * c.basis - held,
        limits.max_leverage * c.basis - gross,
        c.equity / (limits.min_liquidation_distance_ratio + MAINTENANCE) - gross,
    )
    risk = limits.risk_per_trade_ratio * c.basis - held_risk
    quantity = floor_to(max(min(risk / distance, room / worst), ZERO), c.instrument.lot)
    if quantity <= 0:
        return Refused("size", "the limits leave no room for one lot", float(max(risk, ZERO)), float(room))
    return quantity

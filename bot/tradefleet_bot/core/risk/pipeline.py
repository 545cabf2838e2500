"""The one way to an `Approved`: every gate and every check in order; the first that refuses, refuses.

Orders that only reduce skip the gates: a position must be closable whatever is wrong.
"""

from tradefleet_bot.core.orders.intent import OrderIntent
from tradefleet_bot.core.risk.checks import NEW_RISK, REDUCING
from tradefleet_bot.core.risk.context import Context
from tradefleet_bot.core.risk.gates import GATES
from tradefleet_bot.core.risk.seal import SEAL
from tradefleet_bot.core.risk.verdict import Approved, Refused


def gate(context: Context) -> Refused | None:
    """Why no new risk may be taken now, whatever the order; None when it may."""
    for check in GATES:
        refused = check(context)
        if refused is not None:
            return refused
    return None


def approve(intent: OrderIntent, context: Context) -> Approved[OrderIntent] | Refused:
    """The verdict on one order."""
    reducing = intent.reduce_only or intent.close_position
    if not reducing:
        refused = gate(context)
        if refused is not None:
            return refused
    for check in REDUCING if reducing else NEW_RISK:
        refused = check(intent, context)
        if refused is not None:
            return refused
    return Approved(intent, SEAL)

"""Why the exchange says no. Neutral names: each venue's front has its own codes and words for them."""

from __future__ import annotations

from enum import StrEnum


class Refusal(StrEnum):
    MARGIN_INSUFFICIENT = "margin is insufficient"
    POSITION_TOO_LARGE = "position exceeds what the leverage allows"
    REDUCE_ONLY = "reduce-only order would not reduce a position"
    WOULD_TAKE = "post-only order would take liquidity"
    NOT_FILLABLE = "fill-or-kill order cannot be filled at once"
    DUPLICATE_CLIENT_ID = "client order id belongs to an open order"
    TOO_MANY_ORDERS = "too many open orders"
    NO_LIQUIDITY = "no opposite order to trade with"
    UNKNOWN_ORDER = "no such open order"
    WOULD_TRIGGER = "conditional order would trigger at once"
    LEVERAGE_INVALID = "leverage is out of range"
    LEVERAGE_TOO_LOW = "leverage is too low for the position"


class Refused(Exception):  # noqa: N818 - an answer of the exchange, not an error of the program
    """The exchange refuses a request; nothing changed."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.value)
        self.refusal = refusal

"""The venue's error bodies, `{"code": -1121, "msg": "Invalid symbol."}`: codes, words of exchange-protocols.md A8."""

from __future__ import annotations

from typing import Final

from tradefleet_sim.engine.refusals import Refusal


class ApiError(Exception):
    """A reply that is an error: HTTP status, venue code, message, headers to add."""

    def __init__(self, code: int, message: str, *, status: int = 400, retry_after: int | None = None) -> None:
        super().__init__(message)
        self.code, self.message, self.status, self.retry_after = code, message, status, retry_after


def refused(refusal: Refusal) -> ApiError:
    code, message = _REFUSALS[refusal]
    return ApiError(code, message)


_REFUSALS: Final = {
    Refusal.MARGIN_INSUFFICIENT: (-2019, "Margin is insufficient."),
    Refusal.POSITION_TOO_LARGE: (-2027, "Exceeded the maximum allowable position at current leverage."),
    Refusal.REDUCE_ONLY: (-2022, "ReduceOnly Order is rejected."),
    Refusal.WOULD_TAKE: (
        -5022,
        "Due to the order could not be executed as maker, the Post Only order will be rejected.",
    ),
    Refusal.NOT_FILLABLE: (
        -5021,
        "Due to the order could not be filled immediately, the FOK order has been rejected.",
    ),
    Refusal.DUPLICATE_CLIENT_ID: (-4116, "ClientOrderId is duplicated."),
    Refusal.TOO_MANY_ORDERS: (-2025, "Reach max open order limit."),
    Refusal.NO_LIQUIDITY: (-4131, "The counterparty's best price does not meet the PERCENT_PRICE filter limit."),
    Refusal.UNKNOWN_ORDER: (-2011, "Unknown order sent."),
    Refusal.WOULD_TRIGGER: (-2021, "Order would immediately trigger."),
    Refusal.LEVERAGE_INVALID: (-4028, "Leverage is not valid."),
    Refusal.LEVERAGE_TOO_LOW: (-2027, "Exceeded the maximum allowable position at current leverage."),
}

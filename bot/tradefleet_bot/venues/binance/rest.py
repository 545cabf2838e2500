"""Requests of the USD-M REST API as values: what to send, what it costs, whether it is signed. No I/O.

https://developers.binance.com/docs/derivatives/usds-margined-futures/trade/rest-api. Conditional orders go to the
Algo service (since 2025-12-09 the classic endpoint answers -4120).
"""

from decimal import Decimal
from typing import Final, Literal

from msgspec import Struct

from tradefleet_bot.core.orders.intent import OrderIntent
from tradefleet_bot.venues.binance.auth import Credentials, encode, signed_query

Method = Literal["GET", "POST", "PUT", "DELETE"]
Params = tuple[tuple[str, str], ...]


class Request(Struct, frozen=True):
    """One call; `weight` counts against the IP's budget a minute, `orders` against the account's order budgets."""

    method: Method
    path: str
    params: Params = ()
    security: Literal["none", "key", "signed"] = "none"
    weight: int = 1
    orders: int = 0
    urgent: bool = False
    """It lowers risk (cancel, reduce-only): sent even where the reserve of a budget is all that is left."""

    def query(self, credentials: Credentials | None, timestamp_ms: int) -> str:
        """The query string; signed at `timestamp_ms` (venue time) where the endpoint asks for it."""
        if self.security != "signed":
            return encode(self.params)
        if credentials is None:
            raise ValueError(f"{self.path} needs an API key: give the venue's credentials")
        return signed_query(self.params, credentials, timestamp_ms)


def _signed(method: Method, path: str, *params: tuple[str, str], weight: int = 1) -> Request:
    return Request(method, path, params, "signed", weight)


# -- public ------------------------------------------------------------------------------------------------------------
SERVER_TIME: Final = Request("GET", "/fapi/v1/time")
EXCHANGE_INFO: Final = Request("GET", "/fapi/v1/exchangeInfo")


def depth(symbol: str) -> Request:
    """The order book, 1,000 levels a side."""
    return Request("GET", "/fapi/v1/depth", (("symbol", symbol), ("limit", "1000")), weight=20)


def open_interest(symbol: str) -> Request:
    """Open interest, one-sided, in base units: there is no stream for it."""
    return Request("GET", "/fapi/v1/openInterest", (("symbol", symbol),))


# -- user stream -------------------------------------------------------------------------------------------------------
LISTEN_KEY_CREATE: Final = Request("POST", "/fapi/v1/listenKey", security="key")
"""Gives the active key where there is one, and extends it."""
LISTEN_KEY_EXTEND: Final = Request("PUT", "/fapi/v1/listenKey", security="key")

# -- account -----------------------------------------------------------------------------------------------------------
BALANCE: Final = _signed("GET", "/fapi/v3/balance", weight=5)
POSITIONS: Final = _signed("GET", "/fapi/v3/positionRisk", weight=5)
POSITION_MODE: Final = _signed("GET", "/fapi/v1/positionSide/dual", weight=30)
OPEN_ORDERS: Final = _signed("GET", "/fapi/v1/openOrders", weight=40)
OPEN_ALGO_ORDERS: Final = _signed("GET", "/fapi/v1/openAlgoOrders", weight=40)


def user_trades(symbol: str, since_ms: int) -> Request:
    """Executions of a symbol since a time, at most seven days ago, oldest first, up to 1,000."""
    return _signed(
        "GET", "/fapi/v1/userTrades", ("symbol", symbol), ("startTime", str(since_ms)), ("limit", "1000"), weight=5
    )


def all_orders(symbol: str, since_ms: int) -> Request:
    """Orders of a symbol since a time, whatever became of them."""
    return _signed(
        "GET", "/fapi/v1/allOrders", ("symbol", symbol), ("startTime", str(since_ms)), ("limit", "1000"), weight=5
    )


def all_algo_orders(symbol: str, since_ms: int) -> Request:
    """Conditional orders of a symbol since a time, with the ids of the orders they became."""
    return _signed(
        "GET", "/fapi/v1/allAlgoOrders", ("symbol", symbol), ("startTime", str(since_ms)), ("limit", "1000"), weight=5
    )


def income(since_ms: int) -> Request:
    """Funding payments since a time."""
    return _signed(
        "GET", "/fapi/v1/income", ("incomeType", "FUNDING_FEE"), ("startTime", str(since_ms)), ("limit", "1000"),
        weight=30,
    )  # fmt: skip


def leverage(symbol: str, value: int) -> Request:
    """Set a symbol's leverage."""
    return _signed("POST", "/fapi/v1/leverage", ("symbol", symbol), ("leverage", str(value)))


# -- orders ------------------------------------------------------------------------------------------------------------
def place(order: OrderIntent) -> Request:
    """Place an order. The reply of a LIMIT is its state after matching (RESULT), not a bare acknowledgement."""
    if order.conditional:
        return _conditional(order)
    if order.price is None:
        raise ValueError(f"order {order.client_id}: a LIMIT needs a price")
    params = [
        ("symbol", order.symbol), ("side", order.side), ("type", "LIMIT"), ("timeInForce", order.time_in_force),
        ("quantity", text(order.quantity)), ("price", text(order.price)), ("newClientOrderId", order.client_id),
        ("newOrderRespType", "RESULT"),
    ]  # fmt: skip
    if order.reduce_only:
        params.append(("reduceOnly", "true"))
    return Request("POST", "/fapi/v1/order", tuple(params), "signed", 0, 1, order.reduce_only)


def _conditional(order: OrderIntent) -> Request:
    if order.trigger is None:
        raise ValueError(f"order {order.client_id}: a {order.kind} needs a trigger price")
    params = [
        ("algoType", "CONDITIONAL"), ("symbol", order.symbol), ("side", order.side), ("type", order.kind),
        ("triggerPrice", text(order.trigger)), ("workingType", order.working_type), ("clientAlgoId", order.client_id),
    ]  # fmt: skip
    if order.close_position:
        params.append(("closePosition", "true"))  # allows neither quantity (-4137) nor reduceOnly
    else:
        params.append(("quantity", text(order.quantity)))
        if order.reduce_only:
            params.append(("reduceOnly", "true"))
    return Request("POST", "/fapi/v1/algoOrder", tuple(params), "signed", 0, 1, urgent=True)


def cancel(symbol: str, client_id: str, *, conditional: bool) -> Request:
    """Cancel one order by its client id."""
    if conditional:
        return Request("DELETE", "/fapi/v1/algoOrder", (("clientAlgoId", client_id),), "signed", urgent=True)
    return Request(
        "DELETE", "/fapi/v1/order", (("symbol", symbol), ("origClientOrderId", client_id)), "signed", urgent=True
    )


def cancel_all(symbol: str) -> tuple[Request, Request]:
    """Cancel all orders of a symbol: the classic ones, then the conditional ones."""
    params = (("symbol", symbol),)
    return (
        Request("DELETE", "/fapi/v1/allOpenOrders", params, "signed", urgent=True),
        Request("DELETE", "/fapi/v1/algoOpenOrders", params, "signed", urgent=True),
    )


def query(symbol: str, client_id: str, *, conditional: bool) -> Request:
    """Ask for one order by its client id."""
    if conditional:
        return Request("GET", "/fapi/v1/algoOrder", (("clientAlgoId", client_id),), "signed", urgent=True)
    return Request(
        "GET", "/fapi/v1/order", (("symbol", symbol), ("origClientOrderId", client_id)), "signed", urgent=True
    )


def query_by_venue_id(symbol: str, venue_id: str) -> Request:
    """Ask for one order by the venue's id: the order that a conditional one became."""
    return Request("GET", "/fapi/v1/order", (("symbol", symbol), ("orderId", venue_id)), "signed", urgent=True)


def text(value: Decimal) -> str:
    """Plain decimal text without exponent.

    >>> text(Decimal("1E+2"))
    '100'
    """
    return format(value, "f")

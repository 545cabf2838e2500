"""Signed REST endpoints of the classic order service: limit and market orders, their queries, batches, trades."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any, Final

from tradefleet_sim.binance import filters, views
from tradefleet_sim.binance.api import Access, Call, Endpoint
from tradefleet_sim.binance.errors import ApiError, refused
from tradefleet_sim.binance.params import Params
from tradefleet_sim.engine.orders import Kind, NewOrder, Order, Side, TimeInForce
from tradefleet_sim.engine.refusals import Refused
from tradefleet_sim.instruments import Instrument

SIDE: Final = (-1117, "Invalid side.")
TIF: Final = (-1115, "Invalid timeInForce.")
TYPE: Final = (-1116, "Invalid orderType.")
_ALGO_ONLY: Final = ("STOP", "STOP_MARKET", "TAKE_PROFIT", "TAKE_PROFIT_MARKET", "TRAILING_STOP_MARKET")
_WEEK_MS: Final = 7 * 86_400_000


# -- orders -----------------------------------------------------------------------------------------------------------


def new_order(call: Call) -> Any:
    call.count_orders()
    return _place(call, call.params)


def _place(call: Call, params: Params) -> views.Json:
    request = _new_order(call, params)
    answer = params.text("newOrderRespType") or "ACK"
    if answer not in ("ACK", "RESULT"):
        raise ApiError(-1100, "Illegal characters found in parameter 'newOrderRespType'; legal range is 'ACK, RESULT'.")
    done = call.exchange.place(call.account, request, call.now)
    instrument = params.instrument()
    return views.order(instrument, done) if answer == "RESULT" else views.acknowledged(instrument, done)


def _new_order(call: Call, params: Params) -> NewOrder:
    instrument = params.instrument()
    symbol = call.exchange.state.symbols[instrument.symbol]
    side = params.choice("side", Side, *SIDE)
    if params.required("type") in _ALGO_ONLY:
        raise ApiError(
            -4120, "Order type not supported for this endpoint. Please use the Algo Order API endpoints instead."
        )
    kind = params.choice("type", Kind, *TYPE)
    one_way(params)
    plain(params)
    reduce_only = params.boolean("reduceOnly")
    client_id = params.client_id("newClientOrderId")
    quantity = params.required_decimal("quantity")
    if kind is Kind.MARKET:
        if params.text("price"):
            raise ApiError(-1106, "Parameter 'price' sent when not required.")
        if params.text("timeInForce"):
            raise ApiError(-1106, "Parameter 'timeInForce' sent when not required.")
        lots = filters.quantity_lots(instrument, quantity, market=True)
        if not reduce_only and symbol.mark is not None:
            filters.min_notional(symbol, None, lots)
        return NewOrder(instrument.symbol, side, kind, lots, reduce_only=reduce_only, client_id=client_id)
    params.required("timeInForce")
    tif = params.choice("timeInForce", TimeInForce, *TIF)
    price = params.required_decimal("price")
    lots = filters.quantity_lots(instrument, quantity, market=False)
    ticks = filters.price_ticks(instrument, price)
    filters.price_band(symbol, side, ticks)
    if not reduce_only:
        filters.min_notional(symbol, ticks, lots)
    return NewOrder(instrument.symbol, side, kind, lots, ticks, tif, reduce_only=reduce_only, client_id=client_id)


def one_way(params: Params) -> None:
    if (params.text("positionSide") or "BOTH") != "BOTH":
        raise ApiError(-4061, "Order's position side does not match user's setting.")


def plain(params: Params) -> None:
    """Refuses what is not offered here rather than placing something else than was asked for."""
    if (params.text("priceMatch") or "NONE") != "NONE":
        raise ApiError(-4084, "Method is not allowed currently. Coming soon.")
    if (params.text("selfTradePreventionMode") or "EXPIRE_MAKER") not in ("EXPIRE_MAKER", "NONE"):
        raise ApiError(-4084, "Method is not allowed currently. Coming soon.")


def get_order(call: Call) -> Any:
    instrument = call.params.instrument()
    found = _find(call.params, [*call.account.orders.values(), *reversed(call.account.closed)])
    if found is None:
        raise ApiError(-2013, "Order does not exist.")
    return views.order(instrument, found, full=True)


def open_order(call: Call) -> Any:
    instrument = call.params.instrument()
    found = _find(call.params, call.account.orders.values())
    if found is None:
        raise ApiError(-2013, "Order does not exist.")
    return views.order(instrument, found, full=True)


def cancel_order(call: Call) -> Any:
    return _cancel(call, call.params)


def _cancel(call: Call, params: Params) -> views.Json:
    instrument = params.instrument()
    found = _find(params, call.account.orders.values())
    if found is None:
        raise ApiError(-2011, "Unknown order sent.")
    return views.order(instrument, call.exchange.cancel(call.account, found.id, call.now))


def _find(params: Params, orders: Iterable[Order]) -> Order | None:
    """By orderId (it wins) or origClientOrderId, of the symbol named."""
    name, number, client_id = params.instrument().symbol, params.integer("orderId"), params.text("origClientOrderId")
    if number is None and client_id is None:
        raise ApiError(-1102, "Param 'origClientOrderId' or 'orderId' must be sent, but both were empty/null!")
    return next(
        (
            order
            for order in orders
            if order.symbol == name and (order.id == number if number is not None else order.client_id == client_id)
        ),
        None,
    )


def cancel_all(call: Call) -> Any:
    call.exchange.cancel_all(call.account, call.params.instrument().symbol, call.now)
    return {"code": 200, "msg": "The operation of cancel all open order is done."}


def countdown(call: Call) -> Any:
    instrument, length = call.params.instrument(), call.params.required_integer("countdownTime")
    call.exchange.set_countdown(call.account, instrument.symbol, length, call.now)
    return {"symbol": instrument.symbol, "countdownTime": str(length)}


def open_orders(call: Call) -> Any:
    instrument = call.params.optional_instrument()
    orders = call.account.open_orders(instrument.symbol if instrument else None)
    return [views.order(instrument_of(call, order.symbol), order, full=True) for order in orders]


def all_orders(call: Call) -> Any:
    instrument, limit = call.params.instrument(), call.params.limit(500, 1000)
    begin, end = window(call)
    first = call.params.integer("orderId") or 0
    orders = sorted([*call.account.closed, *call.account.orders.values()], key=lambda order: order.id)
    kept = [
        order
        for order in orders
        if order.symbol == instrument.symbol and order.id >= first and begin <= order.created <= end
    ]
    return [views.order(instrument, order, full=True) for order in (kept[:limit] if first else kept[-limit:])]


def window(call: Call) -> tuple[int, int]:
    """startTime and endTime of at most seven days; the last seven where neither is sent."""
    begin, end = call.params.integer("startTime"), call.params.integer("endTime")
    if begin is not None and end is not None and end - begin > _WEEK_MS:
        raise ApiError(-4166, "Search window is restricted to recent 7 days.")
    end = end if end is not None else (begin + _WEEK_MS if begin is not None else call.now)
    return begin if begin is not None else end - _WEEK_MS, end


def user_trades(call: Call) -> Any:
    instrument, limit = call.params.instrument(), call.params.limit(500, 1000)
    begin, end = window(call)
    first, number = call.params.integer("fromId") or 0, call.params.integer("orderId")
    fills = [
        (order, fill)
        for order, fill in call.account.fills
        if order.symbol == instrument.symbol
        and fill.trade_id >= first
        and (number is None or order.id == number)
        and begin <= fill.at <= end
    ]
    return [views.user_trade(instrument, order, fill) for order, fill in (fills[:limit] if first else fills[-limit:])]


# -- batches ----------------------------------------------------------------------------------------------------------


def batch_orders(call: Call) -> Any:
    call.count_orders(ten_seconds=5)
    return [_attempt(partial(_place, call, params)) for params in _batch(call, "batchOrders", 5)]


def cancel_batch(call: Call) -> Any:
    name = call.params.instrument().symbol
    by_id, by_client_id = call.params.text("orderIdList"), call.params.text("origClientOrderIdList")
    field = "orderIdList" if by_id else "origClientOrderIdList"
    if not by_id and not by_client_id:
        raise ApiError(-1102, "Param 'origClientOrderIdList' or 'orderIdList' must be sent, but both were empty/null!")
    key = "orderId" if by_id else "origClientOrderId"
    wanted = [_params(call, {"symbol": name, key: str(item)}) for item in _json_list(call, field, 10)]
    return [_attempt(partial(_cancel, call, params)) for params in wanted]


def _attempt(action: Callable[[], views.Json]) -> views.Json:
    """One part of a batch: its result, or its error in its place."""
    try:
        return action()
    except Refused as no:
        error = refused(no.refusal)
        return {"code": error.code, "msg": error.message}
    except ApiError as error:
        return {"code": error.code, "msg": error.message}


def _batch(call: Call, name: str, most: int) -> list[Params]:
    items = _json_list(call, name, most)
    if not all(isinstance(item, dict) for item in items):
        raise ApiError(-1130, f"Data sent for parameter '{name}' is not valid.")
    return [_params(call, {str(key): _text(value) for key, value in item.items()}) for item in items]


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else "" if value is None else str(value)


def _json_list(call: Call, name: str, most: int) -> list[Any]:
    try:
        items = json.loads(call.params.required(name))
    except (ValueError, RecursionError):
        items = None
    if not isinstance(items, list) or not 1 <= len(items) <= most:
        raise ApiError(-1130, f"Data sent for parameter '{name}' is not valid.")
    return items


def _params(call: Call, values: Mapping[str, str]) -> Params:
    return Params(values, {name: symbol.instrument for name, symbol in call.exchange.state.symbols.items()})


def instrument_of(call: Call, name: str) -> Instrument:
    return call.exchange.state.symbols[name].instrument


def list_weight(params: Params) -> int:
    return 1 if params.text("symbol") else 40


_V1: Final = "/fapi/v1"
TABLE: Final = {
    ("POST", f"{_V1}/order"): Endpoint(0, Access.SIGNED, new_order),
    ("GET", f"{_V1}/order"): Endpoint(1, Access.SIGNED, get_order),
    ("DELETE", f"{_V1}/order"): Endpoint(1, Access.SIGNED, cancel_order),
    ("GET", f"{_V1}/openOrder"): Endpoint(1, Access.SIGNED, open_order),
    ("GET", f"{_V1}/openOrders"): Endpoint(list_weight, Access.SIGNED, open_orders),
    ("GET", f"{_V1}/allOrders"): Endpoint(5, Access.SIGNED, all_orders),
    ("DELETE", f"{_V1}/allOpenOrders"): Endpoint(1, Access.SIGNED, cancel_all),
    ("POST", f"{_V1}/batchOrders"): Endpoint(5, Access.SIGNED, batch_orders),
    ("DELETE", f"{_V1}/batchOrders"): Endpoint(1, Access.SIGNED, cancel_batch),
    ("POST", f"{_V1}/countdownCancelAll"): Endpoint(10, Access.SIGNED, countdown),
    ("GET", f"{_V1}/userTrades"): Endpoint(5, Access.SIGNED, user_trades),
}

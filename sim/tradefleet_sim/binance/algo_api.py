"""Signed REST endpoints of the algo service: conditional orders (the classic service refuses them with -4120)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from tradefleet_sim.binance import filters, views
from tradefleet_sim.binance.api import Access, Call, Endpoint
from tradefleet_sim.binance.errors import ApiError
from tradefleet_sim.binance.order_api import SIDE, TIF, TYPE, instrument_of, list_weight, one_way, plain, window
from tradefleet_sim.engine.algos import Algo, AlgoKind, NewAlgo, WorkingType
from tradefleet_sim.engine.orders import Side, TimeInForce


def new_algo(call: Call) -> Any:
    call.count_orders()
    params, instrument = call.params, call.params.instrument()
    if params.required("algoType") != "CONDITIONAL":
        raise ApiError(-1130, "Data sent for parameter 'algoType' is not valid.")
    if params.text("type") == "TRAILING_STOP_MARKET":
        raise ApiError(-4084, "Method is not allowed currently. Coming soon.")
    kind = params.choice("type", AlgoKind, *TYPE)
    side = params.choice("side", Side, *SIDE)
    one_way(params)
    plain(params)
    trigger = filters.price_ticks(instrument, params.required_decimal("triggerPrice"), zero_code=-4006)
    close, reduce_only = params.boolean("closePosition"), params.boolean("reduceOnly")
    lots = price = 0
    tif = params.choice("timeInForce", TimeInForce, *TIF, default=TimeInForce.GTC)
    if close:
        if kind.is_limit:
            raise ApiError(-4136, f"Target strategy invalid for orderType '{kind}',closePosition 'true'")
        if params.text("quantity"):
            raise ApiError(-4137, "Quantity must be zero with closePosition equals true.")
        if reduce_only:
            raise ApiError(-4138, "Reduce only must be true with closePosition equals true.")
    else:
        lots = filters.quantity_lots(instrument, params.required_decimal("quantity"), market=not kind.is_limit)
    if kind.is_limit:
        price = filters.price_ticks(instrument, params.required_decimal("price"))
    if not close and not reduce_only:
        filters.min_notional(call.symbol(), price or trigger, lots)
    request = NewAlgo(
        instrument.symbol,
        side,
        kind,
        trigger,
        lots,
        price,
        tif if kind.is_limit else TimeInForce.GTC,
        params.choice("workingType", WorkingType, -1130, "Invalid workingType.", WorkingType.CONTRACT_PRICE),
        reduce_only=reduce_only,
        close_position=close,
        price_protect=params.boolean("priceProtect"),
        client_id=params.client_id("clientAlgoId"),
    )
    return views.algo(instrument, call.exchange.place_algo(call.account, request, call.now))


def get_algo(call: Call) -> Any:
    found = _find_algo(call, [*call.account.algos.values(), *reversed(call.account.closed_algos)])
    if found is None:
        raise ApiError(-2013, "Order does not exist.")
    return views.algo(instrument_of(call, found.request.symbol), found)


def cancel_algo(call: Call) -> Any:
    found = _find_algo(call, call.account.algos.values())
    if found is None:
        raise ApiError(-2011, "Unknown order sent.")
    call.exchange.cancel_algo(call.account, found.id, call.now)
    return {"algoId": found.id, "clientAlgoId": found.client_id, "code": "200", "msg": "success"}


def _find_algo(call: Call, algos: Iterable[Algo]) -> Algo | None:
    number, client_id = call.params.integer("algoId"), call.params.text("clientAlgoId")
    if number is None and client_id is None:
        raise ApiError(-1102, "Param 'algoId' or 'clientAlgoId' must be sent, but both were empty/null!")
    return next(
        (algo for algo in algos if (algo.id == number if number is not None else algo.client_id == client_id)), None
    )


def open_algos(call: Call) -> Any:
    instrument = call.params.optional_instrument()
    algos = call.account.waiting_algos(instrument.symbol if instrument else None)
    return [views.algo(instrument_of(call, algo.request.symbol), algo) for algo in algos]


def all_algos(call: Call) -> Any:
    instrument, limit = call.params.instrument(), call.params.limit(500, 1000)
    begin, end = window(call)
    algos = sorted([*call.account.closed_algos, *call.account.algos.values()], key=lambda algo: algo.id)
    kept = [algo for algo in algos if algo.request.symbol == instrument.symbol and begin <= algo.created <= end]
    return [views.algo(instrument, algo) for algo in kept[-limit:]]


def cancel_algos(call: Call) -> Any:
    for algo in call.account.waiting_algos(call.params.instrument().symbol):
        call.exchange.cancel_algo(call.account, algo.id, call.now)
    return {"code": 200, "msg": "The operation of cancel all open order is done."}


_V1: Final = "/fapi/v1"
TABLE: Final = {
    ("POST", f"{_V1}/algoOrder"): Endpoint(0, Access.SIGNED, new_algo),
    ("GET", f"{_V1}/algoOrder"): Endpoint(1, Access.SIGNED, get_algo),
    ("DELETE", f"{_V1}/algoOrder"): Endpoint(1, Access.SIGNED, cancel_algo),
    ("GET", f"{_V1}/openAlgoOrders"): Endpoint(list_weight, Access.SIGNED, open_algos),
    ("GET", f"{_V1}/allAlgoOrders"): Endpoint(5, Access.SIGNED, all_algos),
    ("DELETE", f"{_V1}/algoOpenOrders"): Endpoint(1, Access.SIGNED, cancel_algos),
}

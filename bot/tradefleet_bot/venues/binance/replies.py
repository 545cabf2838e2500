"""Replies of the USD-M REST API as events. Each function takes the body and raises DecodeError, and nothing else."""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any, Final, Literal

from msgspec import Struct
from msgspec.structs import replace

from tradefleet_bot.core.events import (
    AccountPosition,
    AccountState,
    CashFlow,
    Fill,
    Instrument,
    OpenOrder,
    OrderReport,
    Side,
)
from tradefleet_bot.venues.binance.codec import NS_PER_MS, DecodeError, Millis
from tradefleet_bot.venues.binance.user import ORDER_STATUS, ClientId, VenueId, algo_status, fee_in_quote, flow_id
from tradefleet_bot.venues.binance.wire import ZERO, amount, decode_as, decoder, exact, positive


class _Time(Struct):
    serverTime: Millis  # noqa: N815 - the venue's name, as below


class _ListenKey(Struct):
    listenKey: str  # noqa: N815


class _Order(Struct):
    symbol: str
    orderId: VenueId  # noqa: N815
    clientOrderId: ClientId  # noqa: N815
    status: str
    side: Side
    type: str = ""
    origType: str = ""  # noqa: N815
    price: Decimal = ZERO
    origQty: Decimal = ZERO  # noqa: N815
    executedQty: Decimal = ZERO  # noqa: N815
    avgPrice: Decimal | None = None  # noqa: N815
    stopPrice: Decimal | None = None  # noqa: N815
    reduceOnly: bool = False  # noqa: N815
    closePosition: bool = False  # noqa: N815
    updateTime: Millis = 0  # noqa: N815


class _Algo(Struct):
    algoId: VenueId  # noqa: N815
    clientAlgoId: ClientId  # noqa: N815
    algoStatus: str  # noqa: N815
    symbol: str
    side: Side
    orderType: str = ""  # noqa: N815
    quantity: str | None = None
    triggerPrice: str | None = None  # noqa: N815
    price: str | None = None
    reduceOnly: bool = False  # noqa: N815
    closePosition: bool = False  # noqa: N815
    actualOrderId: str | int | None = None  # noqa: N815
    actualPrice: str | None = None  # noqa: N815
    actualQty: str | None = None  # noqa: N815
    updateTime: Millis = 0  # noqa: N815


class _Balance(Struct):
    asset: str
    balance: Decimal
    updateTime: Millis = 0  # noqa: N815


class _Position(Struct):
    symbol: str
    positionAmt: Decimal  # noqa: N815
    entryPrice: Decimal  # noqa: N815
    liquidationPrice: Decimal = ZERO  # noqa: N815
    positionSide: str = "BOTH"  # noqa: N815


class _UserTrade(Struct):
    symbol: str
    id: VenueId
    orderId: VenueId  # noqa: N815
    side: Side
    price: Decimal
    qty: Decimal
    commission: Decimal
    commissionAsset: str  # noqa: N815
    maker: bool
    time: Millis
    realizedPnl: Decimal | None = None  # noqa: N815


class _Income(Struct):
    time: Millis
    income: Decimal
    incomeType: str  # noqa: N815
    asset: str
    symbol: str = ""
    tranId: int | str = ""  # noqa: N815


class _Filter(Struct):
    filterType: str  # noqa: N815
    tickSize: Decimal = ZERO  # noqa: N815
    stepSize: Decimal = ZERO  # noqa: N815
    minQty: Decimal = ZERO  # noqa: N815
    notional: Decimal = ZERO


class _Symbol(Struct):
    symbol: str
    filters: list[_Filter]
    status: str = "TRADING"


class _ExchangeInfo(Struct):
    symbols: list[_Symbol]


class _PositionMode(Struct):
    dualSidePosition: bool  # noqa: N815


_TIME: Final = decoder(_Time)
_LISTEN_KEY: Final = decoder(_ListenKey)
_ORDER: Final = decoder(_Order)
_ORDERS: Final = decoder(list[_Order])
_ALGO: Final = decoder(_Algo)
_ALGOS: Final = decoder(list[_Algo])
_BALANCES: Final = decoder(list[_Balance])
_POSITIONS: Final = decoder(list[_Position])
_TRADES: Final = decoder(list[_UserTrade])
_INCOMES: Final = decoder(list[_Income])
_INFO: Final = decoder(_ExchangeInfo)
_MODE: Final = decoder(_PositionMode)


def server_time(body: bytes) -> int:
    """The venue's clock, ms."""
    return int(decode_as(_TIME, body).serverTime)


def listen_key(body: bytes) -> str:
    """The key of the user data stream."""
    return str(decode_as(_LISTEN_KEY, body).listenKey)


def hedge_mode(body: bytes) -> bool:
    """Whether the account keeps long and short positions apart (this bot needs one-way mode)."""
    return bool(decode_as(_MODE, body).dualSidePosition)


def instruments(body: bytes, symbols: Iterable[str], at: int) -> list[Instrument]:
    """The trading rules of these symbols. An unknown or untradable symbol is a DecodeError that names it."""
    listed = {symbol.symbol: symbol for symbol in decode_as(_INFO, body).symbols}
    found = []
    for name in symbols:
        symbol = listed.get(name)
        if symbol is None:
            raise DecodeError(f"symbol {name} is not listed by the venue: check spec.symbols")
        if symbol.status != "TRADING":
            raise DecodeError(f"symbol {name} does not trade now (status {symbol.status})")
        filters = {f.filterType: f for f in symbol.filters}
        try:
            price, lot, notional = filters["PRICE_FILTER"], filters["LOT_SIZE"], filters["MIN_NOTIONAL"]
        except KeyError as missing:
            raise DecodeError(f"symbol {name}: the venue states no {missing.args[0]}") from None
        tick, step = exact(price.tickSize), exact(lot.stepSize)
        if tick <= ZERO or step <= ZERO:
            raise DecodeError(f"symbol {name}: tick {tick} and lot {step} must be above 0")
        found.append(Instrument(at, name, tick, step, exact(lot.minQty), exact(notional.notional)))
    return found


def order_report(body: bytes, at: int) -> OrderReport:
    """The reply to placing, cancelling or querying an order."""
    return _order_report(decode_as(_ORDER, body), at)


def algo_report(body: bytes, at: int) -> OrderReport | str:
    """The reply to placing or querying a conditional order; the venue id of the order it became, where only that one
    says how it ended."""
    algo = decode_as(_ALGO, body)
    report = _algo_report(algo, at)
    if report is not None:
        return report
    actual = actual_order(algo)
    if not actual:
        raise DecodeError(f"conditional order {algo.clientAlgoId!r} is {algo.algoStatus} and names no order")
    return actual


def order_links(orders: bytes, algos: bytes) -> dict[str, str]:
    """Venue order id → the client id the engine knows: the conditional order's, where the order came from one."""
    links = {str(o.orderId): o.clientOrderId for o in decode_as(_ORDERS, orders)}
    for a in decode_as(_ALGOS, algos):
        actual = actual_order(a)
        if actual:
            links[actual] = a.clientAlgoId
    return links


def order_reports(body: bytes, links: Mapping[str, str], at: int) -> list[OrderReport]:
    """All orders of a listing, as reports, under the client ids that `links` gives."""
    reports = [_order_report(o, at) for o in decode_as(_ORDERS, body)]
    return [replace(report, client_id=links.get(report.venue_id, report.client_id)) for report in reports]


def algo_reports(body: bytes, at: int) -> list[OrderReport]:
    """All conditional orders of a listing, as reports."""
    reports = [_algo_report(a, at) for a in decode_as(_ALGOS, body)]
    return [report for report in reports if report is not None]


def account_state(
    balances: bytes, positions: bytes, orders: bytes, algos: bytes, *, at: int, requested: int, quote_asset: str
) -> AccountState:
    """A full snapshot from its four replies, which must have been asked for in this order."""
    wallet = [b for b in decode_as(_BALANCES, balances) if b.asset == quote_asset]
    if not wallet:
        raise DecodeError(f"the account has no {quote_asset} balance")
    held = []
    for p in decode_as(_POSITIONS, positions):
        if p.positionSide != "BOTH":
            raise DecodeError(f"the account is in hedge mode ({p.symbol} {p.positionSide}): switch it to one-way mode")
        if exact(p.positionAmt) != ZERO:
            liquidation = positive(p.liquidationPrice)
            held.append(AccountPosition(p.symbol, p.positionAmt, exact(p.entryPrice), liquidation))
    open_orders = [_open_order(o) for o in decode_as(_ORDERS, orders)]
    open_orders += [_open_algo(a) for a in decode_as(_ALGOS, algos)]
    ts = wallet[0].updateTime * NS_PER_MS
    return AccountState(at, ts, "live", exact(wallet[0].balance), tuple(held), tuple(open_orders), requested)


def fills(body: bytes, links: Mapping[str, str], *, at: int, quote_asset: str) -> list[Fill]:
    """Executions from userTrades; `links` gives the client ids, which that endpoint leaves out."""
    return [
        Fill(
            at, t.time * NS_PER_MS, t.symbol, links.get(str(t.orderId), ""), str(t.id), t.side, exact(t.price),
            exact(t.qty),
            fee_in_quote(exact(t.commission), t.commissionAsset, quote_asset, exact(t.price) * exact(t.qty)),
            t.maker, None if t.realizedPnl is None else exact(t.realizedPnl), str(t.orderId),
        )
        for t in decode_as(_TRADES, body)
    ]  # fmt: skip


def funding(body: bytes, *, at: int, quote_asset: str) -> list[CashFlow]:
    """Funding payments; the flow id is the same that the user stream's ACCOUNT_UPDATE gives."""
    return [
        CashFlow(at, i.time * NS_PER_MS, "funding", i.symbol, exact(i.income), flow_id("FUNDING_FEE", i.time, i.symbol))
        for i in decode_as(_INCOMES, body)
        if i.incomeType == "FUNDING_FEE" and i.asset == quote_asset
    ]


def actual_order(algo: Any) -> str:
    """Venue id of the order that a conditional order became; empty before."""
    return "" if algo.actualOrderId in {None, "", "0", 0} else str(algo.actualOrderId)


def _order_report(o: _Order, at: int) -> OrderReport:
    status = ORDER_STATUS.get(o.status)
    if status is None:
        raise DecodeError(f"unknown order status {o.status[:40]!r}")
    return OrderReport(
        at, o.updateTime * NS_PER_MS, o.symbol, o.clientOrderId, status, str(o.orderId), exact(o.executedQty),
        positive(o.avgPrice),
    )  # fmt: skip


def _algo_report(a: _Algo, at: int) -> OrderReport | None:
    filled = amount(a.actualQty) or ZERO
    status = algo_status(a.algoStatus, amount(a.quantity) or ZERO, filled)
    if status is None:
        return None
    return OrderReport(
        at, a.updateTime * NS_PER_MS, a.symbol, a.clientAlgoId, status, actual_order(a) or str(a.algoId), filled,
        amount(a.actualPrice),
    )  # fmt: skip


def _open_order(o: _Order) -> OpenOrder:
    kind: Literal["LIMIT", "OTHER"] = "LIMIT" if o.type == "LIMIT" else "OTHER"
    return OpenOrder(
        o.symbol, o.clientOrderId, o.side, kind, exact(o.origQty), exact(o.executedQty), positive(o.price),
        positive(o.stopPrice), o.reduceOnly, o.closePosition, str(o.orderId),
    )  # fmt: skip


def _open_algo(a: _Algo) -> OpenOrder:
    kind: Literal["STOP_MARKET", "TAKE_PROFIT_MARKET", "OTHER"] = "OTHER"
    if a.orderType in {"STOP_MARKET", "TAKE_PROFIT_MARKET"}:
        kind = "STOP_MARKET" if a.orderType == "STOP_MARKET" else "TAKE_PROFIT_MARKET"
    return OpenOrder(
        a.symbol, a.clientAlgoId, a.side, kind, amount(a.quantity) or ZERO, ZERO, amount(a.price),
        amount(a.triggerPrice), a.reduceOnly, a.closePosition, str(a.algoId),
    )  # fmt: skip

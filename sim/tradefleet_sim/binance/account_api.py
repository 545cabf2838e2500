"""Signed REST endpoints for the account: balances, positions, leverage, income, listen keys."""

from __future__ import annotations

from typing import Any, Final

from tradefleet_sim.binance import views
from tradefleet_sim.binance.api import Access, Call, Endpoint
from tradefleet_sim.binance.errors import ApiError
from tradefleet_sim.engine import margin
from tradefleet_sim.engine.symbol import SymbolState
from tradefleet_sim.instruments import MONEY, Instrument

_NOT_YET: Final = "Method is not allowed currently. Coming soon."


def balance(call: Call) -> Any:
    return views.balance(call.exchange, call.account)


def account_v3(call: Call) -> Any:
    return views.account_view(call.exchange, call.account, all_positions=False)


def account_v2(call: Call) -> Any:
    return views.account_view(call.exchange, call.account, all_positions=True)


def position_risk(call: Call) -> Any:
    """With a symbol its row, otherwise those with a position or open orders."""
    instrument = call.params.optional_instrument()
    state = call.exchange.state
    if instrument is not None:
        return [views.position_risk(call.exchange, call.account, state.symbols[instrument.symbol])]
    used = {name for name, position in call.account.positions.items() if position.lots}
    used |= {order.symbol for order in call.account.orders.values()}
    return [views.position_risk(call.exchange, call.account, state.symbols[name]) for name in sorted(used)]


def position_risk_v2(call: Call) -> Any:
    """The older form: every symbol, with leverage and margin type."""
    instrument = call.params.optional_instrument()
    rows = []
    for symbol in call.exchange.state.symbols.values():
        if instrument is None or instrument is symbol.instrument:
            row = views.position_risk(call.exchange, call.account, symbol)
            rows.append(row | _config(call, symbol) | {"marginType": "cross"})
    return rows


def set_leverage(call: Call) -> Any:
    instrument, leverage = call.params.instrument(), call.params.required_integer("leverage")
    limit = call.exchange.set_leverage(call.account, instrument.symbol, leverage, call.now)
    return {"leverage": leverage, "maxNotionalValue": str(limit), "symbol": instrument.symbol}


def set_margin_type(call: Call) -> Any:
    """Accounts are cross; isolated margin is not offered here, and says so."""
    call.params.instrument()
    match call.params.required("marginType"):
        case "CROSSED":
            raise ApiError(-4046, "No need to change margin type.")
        case "ISOLATED":
            raise ApiError(-4084, _NOT_YET)
        case _:
            raise ApiError(-1130, "Data sent for parameter 'marginType' is not valid.")


def get_dual(_: Call) -> Any:
    return {"dualSidePosition": False}


def set_dual(call: Call) -> Any:
    call.params.required("dualSidePosition")
    if call.params.boolean("dualSidePosition"):
        raise ApiError(-4084, _NOT_YET)
    raise ApiError(-4059, "No need to change position side.")


def get_multi_assets(_: Call) -> Any:
    return {"multiAssetsMargin": False}


def symbol_config(call: Call) -> Any:
    instrument = call.params.optional_instrument()
    symbols = call.exchange.state.symbols.values()
    return [_config(call, symbol) for symbol in symbols if instrument is None or instrument is symbol.instrument]


def _config(call: Call, symbol: SymbolState) -> views.Json:
    name = symbol.instrument.symbol
    leverage = call.account.leverage_of(name)
    return {
        "symbol": name,
        "marginType": "CROSSED",
        "isAutoAddMargin": False,
        "leverage": leverage,
        "maxNotionalValue": str(margin.maximum_notional(symbol.instrument.brackets, leverage)),
    }


def leverage_bracket(call: Call) -> Any:
    instrument = call.params.optional_instrument()
    symbols = call.exchange.state.symbols.values()
    return [_brackets(item.instrument) for item in symbols if instrument is None or instrument is item.instrument]


def _brackets(instrument: Instrument) -> views.Json:
    rows = [
        {
            "bracket": number,
            "initialLeverage": bracket.leverage,
            "notionalCap": bracket.cap,
            "notionalFloor": bracket.floor,
            "maintMarginRatio": bracket.maintenance_ppm / 1_000_000,
            "cum": bracket.cum / MONEY,
        }
        for number, bracket in enumerate(instrument.brackets, 1)
    ]
    return {"symbol": instrument.symbol, "notionalCoef": 1.0, "brackets": rows}


def commission_rate(call: Call) -> Any:
    instrument = call.params.instrument()
    return {
        "symbol": instrument.symbol,
        "makerCommissionRate": f"{instrument.maker_ppm / 1_000_000:.6f}",
        "takerCommissionRate": f"{instrument.taker_ppm / 1_000_000:.6f}",
        "rpiCommissionRate": "0.00005",
    }


def income(call: Call) -> Any:
    instrument, limit = call.params.optional_instrument(), call.params.limit(100, 1000)
    kind = call.params.text("incomeType")
    begin, end = call.params.integer("startTime") or 0, call.params.integer("endTime")
    rows = [
        item
        for item in call.account.incomes
        if (instrument is None or item.symbol == instrument.symbol)
        and (kind is None or item.kind == kind)
        and begin <= item.at
        and (end is None or item.at <= end)
    ]
    return [views.income(item) for item in rows[-limit:]]


def make_listen_key(call: Call) -> Any:
    return {"listenKey": call.desk.listen_keys.create(call.account.key, call.now)}


def extend_listen_key(call: Call) -> Any:
    return {"listenKey": call.desk.listen_keys.extend(call.account.key, call.now)}


def close_listen_key(call: Call) -> Any:
    call.desk.listen_keys.close(call.account.key)
    return {}


_V1: Final = "/fapi/v1"
TABLE: Final = {
    ("GET", "/fapi/v2/balance"): Endpoint(5, Access.SIGNED, balance),
    ("GET", "/fapi/v3/balance"): Endpoint(5, Access.SIGNED, balance),
    ("GET", "/fapi/v2/account"): Endpoint(5, Access.SIGNED, account_v2),
    ("GET", "/fapi/v3/account"): Endpoint(5, Access.SIGNED, account_v3),
    ("GET", "/fapi/v2/positionRisk"): Endpoint(5, Access.SIGNED, position_risk_v2),
    ("GET", "/fapi/v3/positionRisk"): Endpoint(5, Access.SIGNED, position_risk),
    ("POST", f"{_V1}/leverage"): Endpoint(1, Access.SIGNED, set_leverage),
    ("POST", f"{_V1}/marginType"): Endpoint(1, Access.SIGNED, set_margin_type),
    ("GET", f"{_V1}/positionSide/dual"): Endpoint(30, Access.SIGNED, get_dual),
    ("POST", f"{_V1}/positionSide/dual"): Endpoint(1, Access.SIGNED, set_dual),
    ("GET", f"{_V1}/multiAssetsMargin"): Endpoint(30, Access.SIGNED, get_multi_assets),
    ("GET", f"{_V1}/symbolConfig"): Endpoint(5, Access.SIGNED, symbol_config),
    ("GET", f"{_V1}/leverageBracket"): Endpoint(1, Access.SIGNED, leverage_bracket),
    ("GET", f"{_V1}/commissionRate"): Endpoint(20, Access.SIGNED, commission_rate),
    ("GET", f"{_V1}/income"): Endpoint(30, Access.SIGNED, income),
    ("POST", f"{_V1}/listenKey"): Endpoint(1, Access.KEY, make_listen_key),
    ("PUT", f"{_V1}/listenKey"): Endpoint(1, Access.KEY, extend_listen_key),
    ("DELETE", f"{_V1}/listenKey"): Endpoint(1, Access.KEY, close_listen_key),
}

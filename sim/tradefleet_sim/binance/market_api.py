"""Public REST endpoints: the market as it is."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

from tradefleet_sim.binance import candles, frames, rules, views
from tradefleet_sim.binance.api import Access, Call, Endpoint
from tradefleet_sim.binance.errors import ApiError
from tradefleet_sim.binance.params import Params
from tradefleet_sim.engine.symbol import SymbolState
from tradefleet_sim.instruments import money_text

_DEPTHS: Final = {5: 2, 10: 2, 20: 2, 50: 2, 100: 5, 500: 10, 1000: 20}  # limit: weight
_HOUR: Final = 3_600_000


def ping(_: Call) -> Any:
    return {}


def time(call: Call) -> Any:
    return {"serverTime": call.now}


def exchange_info(call: Call) -> Any:
    return rules.exchange_info([symbol.instrument for symbol in call.exchange.state.symbols.values()], call.now)


def depth(call: Call) -> Any:
    symbol = call.symbol()
    limit = call.params.limit(500, 1000)
    if limit not in _DEPTHS:
        raise ApiError(-4021, f"Limit {limit} is not valid for depth; use one of 5, 10, 20, 50, 100, 500, 1000.")
    book = symbol.book
    return frames.depth_snapshot(symbol.instrument, call.now, symbol.update, book.bids.top(limit), book.asks.top(limit))


def klines(call: Call) -> Any:
    symbol, interval, limit = call.symbol(), call.params.required("interval"), call.params.limit(500, 1500)
    if interval not in candles.INTERVALS:
        raise ApiError(-1120, "Invalid interval.")
    begin, end = call.params.integer("startTime"), call.params.integer("endTime")
    bars = [
        bar
        for bar in call.desk.publishers[symbol.instrument.symbol].candles.bars(interval)
        if (begin is None or bar.begin >= begin) and (end is None or bar.begin <= end)
    ]
    bars = bars[:limit] if begin is not None else bars[-limit:]
    return [candles.row(symbol.instrument, bar, interval) for bar in bars]


def premium_index(call: Call) -> Any:
    return _each(call, _premium)


def _premium(call: Call, symbol: SymbolState) -> views.Json:
    """Fields that the market does not have (a recording without funding) are empty, as the venue sends them."""
    news = symbol.mark_news
    if news is None:
        raise ApiError(-1000, "No mark price yet.", status=503)
    return {
        "symbol": symbol.instrument.symbol,
        "markPrice": news.mark_price,
        "indexPrice": news.index_price,
        "estimatedSettlePrice": news.settle_price,
        "lastFundingRate": news.rate,
        "interestRate": "0.00010000" if news.rate else "",
        "nextFundingTime": news.next_funding,
        "time": call.now,
    }


def open_interest(call: Call) -> Any:
    symbol = call.symbol()
    if symbol.open_interest is None:
        raise ApiError(-4084, "Open interest is absent: the recording that this market replays has none.")
    return frames.open_interest(symbol.instrument, symbol.open_interest.at, symbol.open_interest.lots)


def funding_rate(call: Call) -> Any:
    instrument, limit = call.params.optional_instrument(), call.params.limit(100, 1000)
    begin, end = call.params.integer("startTime") or 0, call.params.integer("endTime")
    rows = [
        {
            "symbol": name,
            "fundingRate": item.rate,
            "fundingTime": item.at,
            "markPrice": item.mark_price,
            "rateType": "Regular",
        }
        for name, symbol in call.exchange.state.symbols.items()
        if instrument is None or instrument.symbol == name
        for item in symbol.fundings
        if item.at >= begin and (end is None or item.at <= end)
    ]
    return rows[-limit:]


def funding_info(_: Call) -> Any:
    return []  # only symbols with adjusted caps or intervals are listed


def agg_trades(call: Call) -> Any:
    symbol, limit = call.symbol(), call.params.limit(500, 1000)
    first = call.params.integer("fromId")
    begin, end = call.params.integer("startTime"), call.params.integer("endTime")
    if begin is not None and end is not None and end - begin >= _HOUR:
        raise ApiError(-4166, "Search window is restricted to recent 1 hour.")
    items = call.desk.publishers[symbol.instrument.symbol].agg_trades
    if first is not None:
        items = items[bisect_left(items, first, key=lambda item: item.id) :][:limit]
    else:
        items = [item for item in items if (begin or 0) <= item.at and (end is None or item.at <= end)]
        items = items[:limit] if begin is not None else items[-limit:]
    return "[" + ",".join("{" + frames.agg_trade_fields(symbol.instrument, item) + "}" for item in items) + "]"


def book_ticker(call: Call) -> Any:
    return _each(call, _ticker)


def _ticker(call: Call, symbol: SymbolState) -> views.Json:
    instrument, book = symbol.instrument, symbol.book
    bid, ask = (half.top(1)[0] if half.top(1) else (0, 0) for half in (book.bids, book.asks))
    return {
        "symbol": instrument.symbol,
        "bidPrice": instrument.price_text(bid[0]),
        "bidQty": instrument.lots_text(bid[1]),
        "askPrice": instrument.price_text(ask[0]),
        "askQty": instrument.lots_text(ask[1]),
        "time": call.now,
        "lastUpdateId": symbol.update,
    }


def ticker_24h(call: Call) -> Any:
    return _each(call, _statistics)


def ticker_price(call: Call) -> Any:
    return _each(call, _last_price)


def _each(call: Call, row: Callable[[Call, SymbolState], views.Json]) -> Any:
    """One row for the symbol named, or a list of all."""
    instrument = call.params.optional_instrument()
    if instrument is not None:
        return row(call, call.exchange.state.symbols[instrument.symbol])
    return [row(call, symbol) for symbol in call.exchange.state.symbols.values()]


def _last_price(call: Call, symbol: SymbolState) -> views.Json:
    price = views.price_or_zero(symbol.instrument, symbol.last or 0)
    return {"symbol": symbol.instrument.symbol, "price": price, "time": call.now}


def _statistics(call: Call, symbol: SymbolState) -> views.Json:
    """Of the last 24 hours, or of as much as the simulator has seen."""
    instrument, name = symbol.instrument, symbol.instrument.symbol
    day = [bar for bar in call.desk.publishers[name].candles.bars("1m") if bar.begin > call.now - 24 * _HOUR]
    if not day:
        raise ApiError(-1000, "No trades yet.", status=503)
    total = replace(day[0])
    for bar in day[1:]:
        total.join(bar)
    price, change = instrument.price_text, total.close - total.open
    return {
        "symbol": name,
        "priceChange": f"{change * instrument.tick:f}",
        "priceChangePercent": f"{100 * change / total.open:.3f}",
        "weightedAvgPrice": f"{total.value * instrument.tick / total.lots:.2f}" if total.lots else price(total.close),
        "lastPrice": price(total.close),
        "lastQty": instrument.lots_text(call.desk.publishers[name].last_lots),
        "openPrice": price(total.open),
        "highPrice": price(total.high),
        "lowPrice": price(total.low),
        "volume": instrument.lots_text(total.lots),
        "quoteVolume": money_text(total.value * instrument.unit),
        "openTime": total.begin,
        "closeTime": call.now,
        "firstId": total.first_id,
        "lastId": total.last_id,
        "count": total.trades,
    }


def _depth_weight(params: Params) -> int:
    try:
        return _DEPTHS.get(int(params.text("limit") or 500), 10)
    except ValueError:
        return 10


def _klines_weight(params: Params) -> int:
    try:
        limit = int(params.text("limit") or 500)
    except ValueError:
        return 1
    return 1 if limit < 100 else 2 if limit < 500 else 5 if limit <= 1000 else 10


def _premium_weight(params: Params) -> int:
    return 1 if params.text("symbol") else 10


def _ticker_weight(params: Params) -> int:
    return 1 if params.text("symbol") else 40


PREFIX: Final = "/fapi/v1"
TABLE: Final = {
    ("GET", f"{PREFIX}/ping"): Endpoint(1, Access.PUBLIC, ping),
    ("GET", f"{PREFIX}/time"): Endpoint(1, Access.PUBLIC, time),
    ("GET", f"{PREFIX}/exchangeInfo"): Endpoint(1, Access.PUBLIC, exchange_info),
    ("GET", f"{PREFIX}/depth"): Endpoint(_depth_weight, Access.PUBLIC, depth),
    ("GET", f"{PREFIX}/klines"): Endpoint(_klines_weight, Access.PUBLIC, klines),
    ("GET", f"{PREFIX}/premiumIndex"): Endpoint(_premium_weight, Access.PUBLIC, premium_index),
    ("GET", f"{PREFIX}/openInterest"): Endpoint(1, Access.PUBLIC, open_interest),
    ("GET", f"{PREFIX}/fundingRate"): Endpoint(1, Access.PUBLIC, funding_rate),
    ("GET", f"{PREFIX}/fundingInfo"): Endpoint(0, Access.PUBLIC, funding_info),
    ("GET", f"{PREFIX}/aggTrades"): Endpoint(20, Access.PUBLIC, agg_trades),
    ("GET", f"{PREFIX}/ticker/24hr"): Endpoint(_ticker_weight, Access.PUBLIC, ticker_24h),
    ("GET", f"{PREFIX}/ticker/price"): Endpoint(1, Access.PUBLIC, ticker_price),
    ("GET", f"{PREFIX}/ticker/bookTicker"): Endpoint(2, Access.PUBLIC, book_ticker),
}

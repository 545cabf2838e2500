"""Market stream payloads as the venue sends them (exchange-protocols.md A2), by hand because they are many.

Each function returns the bare JSON payload; `wrap` makes the combined-stream form of it. `st` 1 is USD-M, `ps`
the pair; both came to live frames in 2026.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from tradefleet_sim.instruments import Instrument
from tradefleet_sim.market.events import Levels, Liquidation, Mark


class AggTrade(NamedTuple):
    """Fills of one taker order at one price within one millisecond."""

    id: int
    at: int
    price: int
    lots: int
    first: int
    last: int
    buyer_is_maker: bool


def wrap(stream: str, payload: str) -> str:
    return f'{{"stream":"{stream}","data":{payload}}}'


def levels(instrument: Instrument, rows: Iterable[tuple[int, int]]) -> str:
    """[["61800.20","2.909"],…]"""
    price, lots = instrument.price_text, instrument.lots_text
    return "[" + ",".join([f'["{price(ticks)}","{lots(count)}"]' for ticks, count in rows]) + "]"


def depth_snapshot(instrument: Instrument, at: int, update: int, bids: Levels, asks: Levels) -> str:
    """The body of GET /fapi/v1/depth."""
    rows = f'"bids":{levels(instrument, bids)},"asks":{levels(instrument, asks)}'
    return f'{{"lastUpdateId":{update},"E":{at},"T":{at},{rows}}}'


def depth_update(
    instrument: Instrument, at: int, *, first: int, last: int, previous: int, bids: Levels, asks: Levels
) -> str:
    symbol = instrument.symbol
    return (
        f'{{"e":"depthUpdate","E":{at},"T":{at},"s":"{symbol}","ps":"{symbol}","U":{first},"u":{last},"pu":{previous},'
        f'"b":{levels(instrument, bids)},"a":{levels(instrument, asks)},"st":1}}'
    )


def book_ticker(instrument: Instrument, at: int, update: int, bid: tuple[int, int], ask: tuple[int, int]) -> str:
    symbol, price, lots = instrument.symbol, instrument.price_text, instrument.lots_text
    return (
        f'{{"e":"bookTicker","u":{update},"s":"{symbol}","ps":"{symbol}","b":"{price(bid[0])}","B":"{lots(bid[1])}",'
        f'"a":"{price(ask[0])}","A":"{lots(ask[1])}","T":{at},"E":{at},"st":1}}'
    )


def trade(instrument: Instrument, at: int, *, trade_id: int, price: int, lots: int, buyer_is_maker: bool) -> str:
    return (
        f'{{"e":"trade","E":{at},"T":{at},"s":"{instrument.symbol}","t":{trade_id},"p":"{instrument.price_text(price)}",'
        f'"q":"{instrument.lots_text(lots)}","X":"MARKET","m":{"true" if buyer_is_maker else "false"},"st":1}}'
    )


def agg_trade_fields(instrument: Instrument, item: AggTrade) -> str:
    """What REST and stream share, without the braces."""
    quantity = instrument.lots_text(item.lots)
    return (
        f'"a":{item.id},"p":"{instrument.price_text(item.price)}","q":"{quantity}","nq":"{quantity}","f":{item.first},'
        f'"l":{item.last},"T":{item.at},"m":{"true" if item.buyer_is_maker else "false"}'
    )


def agg_trade(instrument: Instrument, at: int, item: AggTrade) -> str:
    return f'{{"e":"aggTrade","E":{at},"s":"{instrument.symbol}",{agg_trade_fields(instrument, item)},"st":1}}'


def mark_price(instrument: Instrument, mark: Mark) -> str:
    return (
        f'{{"e":"markPriceUpdate","E":{mark.at},"s":"{instrument.symbol}","p":"{mark.mark_price}","ap":"{mark.mark_price}",'
        f'"i":"{mark.index_price}","P":"{mark.settle_price}","r":"{mark.rate}","T":{mark.next_funding},"st":1}}'
    )


def force_order(instrument: Instrument, event: Liquidation) -> str:
    """`S` is the side of the order: SELL closes a long."""
    symbol, price, lots = instrument.symbol, instrument.price_text, instrument.lots_text(event.lots)
    side = "SELL" if event.sell else "BUY"
    return (
        f'{{"e":"forceOrder","E":{event.at},"o":{{"s":"{symbol}","S":"{side}","o":"LIMIT","f":"IOC","q":"{lots}",'
        f'"p":"{price(event.price)}","ap":"{price(event.average)}","X":"FILLED","l":"{lots}","z":"{lots}",'
        f'"T":{event.at},"ps":"{symbol}","st":1}}}}'
    )


def open_interest(instrument: Instrument, at: int, lots: int) -> str:
    """The body of GET /fapi/v1/openInterest (there is no such stream)."""
    return f'{{"openInterest":"{instrument.lots_text(lots)}","symbol":"{instrument.symbol}","time":{at}}}'

"""Engine events of one symbol → frames of its market streams. Pure: time comes with the events and with `advance`.

Only streams that somebody `wants` are encoded. Depth diffs are gathered in windows (100, 250, 500 ms, and none), each
with its own chain of update ids; forced orders are one a second at most, the largest, as the venue has it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final

from tradefleet_sim.binance import candles, frames
from tradefleet_sim.binance.frames import AggTrade
from tradefleet_sim.engine.events import BookChanged, Event, MarketNews, Traded
from tradefleet_sim.engine.symbol import SymbolState
from tradefleet_sim.market.events import Levels, Liquidation, Mark

Frame = tuple[str, str]  # stream name, payload
_WINDOWS: Final = {0: "@0ms", 100: "@100ms", 250: "", 500: "@500ms"}
_PARTIAL: Final = (5, 10, 20)
_KLINE_MS, _FORCE_MS, _AGG_MS = 250, 1000, 100
_AGG_KEPT: Final = 5000


@dataclass(slots=True)
class _Window:
    bids: dict[int, int] = field(default_factory=dict)
    asks: dict[int, int] = field(default_factory=dict)
    first: int = 0
    last: int = 0
    previous: int = 0
    due: int = 0


class Publisher:
    def __init__(self, symbol: SymbolState, wanted: Callable[[str], bool]) -> None:
        self._symbol, self._instrument, self._wanted = symbol, symbol.instrument, wanted
        self._name = symbol.instrument.symbol.lower()
        self._windows = {length: _Window() for length in _WINDOWS}
        self._best: tuple[object, object] = (None, None)
        self._agg: AggTrade | None = None
        self._agg_id = 0
        self.agg_trades: list[AggTrade] = []
        self.candles = candles.Candles()
        self.last_lots = 0  # of the last trade
        self._kline_due = self._force_due = 0
        self._closed: dict[str, int] = {}  # by interval: when the last bar began that was told as closed
        self._force: Liquidation | None = None

    def on(self, event: Event) -> Iterator[Frame]:
        """Frames that an event makes at once."""
        match event:
            case BookChanged():
                yield from self._book(event)
            case Traded():
                yield from self._traded(event)
            case MarketNews(news=Mark() as mark):
                payload = frames.mark_price(self._instrument, mark)
                for stream in self._mark_streams(mark.at):
                    if self._wanted(stream):
                        yield stream, f"[{payload}]" if stream.startswith("!") else payload
            case MarketNews(news=Liquidation() as forced):
                if self._force is None or forced.lots > self._force.lots:
                    self._force = forced
            case _:
                pass

    def advance(self, now: int) -> Iterator[Frame]:
        """Frames that are due by time alone."""
        for length, window in self._windows.items():
            if window.first and now >= window.due:
                yield from self._flush(length, window, now)
        if self._agg is not None and now - self._agg.at >= _AGG_MS:
            yield from self._flush_agg(now)
        if self._force is not None and now >= self._force_due:
            self._force_due = now + _FORCE_MS
            payload, self._force = frames.force_order(self._instrument, self._force), None
            yield f"{self._name}@forceOrder", payload
            yield "!forceOrder@arr", payload
        if now >= self._kline_due:
            self._kline_due = now + _KLINE_MS
            yield from self._klines(now)

    # -- book -----------------------------------------------------------------------------------------------------

    def _book(self, event: BookChanged) -> Iterator[Frame]:
        best = (event.best_bid, event.best_ask)
        if best != self._best and event.best_bid and event.best_ask:
            self._best = best
            for stream in (f"{self._name}@bookTicker", "!bookTicker"):
                if self._wanted(stream):
                    payload = frames.book_ticker(
                        self._instrument, event.at, event.update, event.best_bid, event.best_ask
                    )
                    yield stream, payload
        for length, window in self._windows.items():
            if not window.first:
                window.first = event.update
                window.due = event.at - event.at % length + length if length else event.at
            window.bids.update(event.bids)
            window.asks.update(event.asks)
            window.last = event.update
            if event.at >= window.due:
                yield from self._flush(length, window, event.at)

    def _flush(self, length: int, window: _Window, now: int) -> Iterator[Frame]:
        suffix, name = _WINDOWS[length], self._name
        if self._wanted(f"{name}@depth{suffix}"):
            bids, asks = sorted(window.bids.items(), reverse=True), sorted(window.asks.items())
            yield f"{name}@depth{suffix}", self._depth(window, now, bids, asks)
        for count in _PARTIAL:
            if self._wanted(f"{name}@depth{count}{suffix}"):
                book = self._symbol.book
                payload = self._depth(window, now, book.bids.top(count), book.asks.top(count))
                yield f"{name}@depth{count}{suffix}", payload
        window.bids.clear()
        window.asks.clear()
        window.previous, window.first = window.last, 0

    def _depth(self, window: _Window, now: int, bids: Levels, asks: Levels) -> str:
        return frames.depth_update(
            self._instrument,
            now,
            first=window.first,
            last=window.last,
            previous=window.previous,
            bids=bids,
            asks=asks,
        )

    # -- trades ---------------------------------------------------------------------------------------------------

    def _traded(self, event: Traded) -> Iterator[Frame]:
        self.candles.add(event)
        self.last_lots = event.lots
        if self._wanted(f"{self._name}@trade"):
            yield (
                f"{self._name}@trade",
                frames.trade(
                    self._instrument,
                    event.at,
                    trade_id=event.trade_id,
                    price=event.price,
                    lots=event.lots,
                    buyer_is_maker=event.buyer_is_maker,
                ),
            )
        agg = self._agg
        if agg and (agg.at, agg.price, agg.buyer_is_maker) == (event.at, event.price, event.buyer_is_maker):
            self._agg = agg._replace(lots=agg.lots + event.lots, last=event.trade_id)
            return
        if agg:
            yield from self._flush_agg(event.at)
        self._agg_id += 1
        ids = (event.trade_id, event.trade_id)
        self._agg = AggTrade(self._agg_id, event.at, event.price, event.lots, *ids, event.buyer_is_maker)

    def _flush_agg(self, now: int) -> Iterator[Frame]:
        if self._agg is None:
            return
        agg, self._agg = self._agg, None
        self.agg_trades.append(agg)
        if len(self.agg_trades) > 2 * _AGG_KEPT:
            del self.agg_trades[:_AGG_KEPT]
        stream = f"{self._name}@aggTrade"
        if self._wanted(stream):
            yield stream, frames.agg_trade(self._instrument, now, agg)

    def _klines(self, now: int) -> Iterator[Frame]:
        for interval in candles.INTERVALS:
            stream = f"{self._name}@kline_{interval}"
            if not self._wanted(stream):
                continue
            for bar in self.candles.recent(interval):
                closed = now > candles.end_of(bar.begin, interval)
                if bar.begin > self._closed.get(interval, -1):
                    body = candles.frame(self._instrument, bar, interval, now, closed=closed)
                    yield stream, json.dumps(body, separators=(",", ":"))
                    if closed:
                        self._closed[interval] = bar.begin

    def _mark_streams(self, at: int) -> Iterator[str]:
        yield f"{self._name}@markPrice@1s"
        yield "!markPrice@arr@1s"
        if at // 1000 % 3 == 0:
            yield f"{self._name}@markPrice"
            yield "!markPrice@arr"

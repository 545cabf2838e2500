"""Klines out of the simulator's own trades: one-minute bars, longer ones made of them when asked."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Final

from tradefleet_sim.engine.events import Traded
from tradefleet_sim.instruments import Instrument, money_text

MINUTE: Final = 60_000
KEPT: Final = 7 * 24 * 60  # one-minute bars
_DAY: Final = 86_400_000
INTERVALS: Final = {
    "1m": MINUTE,
    "3m": 3 * MINUTE,
    "5m": 5 * MINUTE,
    "15m": 15 * MINUTE,
    "30m": 30 * MINUTE,
    "1h": 60 * MINUTE,
    "2h": 120 * MINUTE,
    "4h": 240 * MINUTE,
    "6h": 360 * MINUTE,
    "8h": 480 * MINUTE,
    "12h": 720 * MINUTE,
    "1d": _DAY,
    "3d": 3 * _DAY,
    "1w": 7 * _DAY,
    "1M": 31 * _DAY,
}


@dataclass(slots=True)
class Bar:
    """Prices in ticks, volumes in lots and ticks × lots; `buy_*` by takers who bought."""

    begin: int
    open: int
    high: int
    low: int
    close: int
    lots: int = 0
    value: int = 0
    trades: int = 0
    buy_lots: int = 0
    buy_value: int = 0
    first_id: int = -1
    last_id: int = -1

    def add(self, item: Traded) -> None:
        value = item.price * item.lots
        self.high, self.low, self.close = max(self.high, item.price), min(self.low, item.price), item.price
        self.lots, self.value, self.trades = self.lots + item.lots, self.value + value, self.trades + 1
        if not item.buyer_is_maker:
            self.buy_lots, self.buy_value = self.buy_lots + item.lots, self.buy_value + value
        self.first_id = item.trade_id if self.first_id < 0 else self.first_id
        self.last_id = item.trade_id

    def join(self, later: Bar) -> None:
        self.high, self.low, self.close = max(self.high, later.high), min(self.low, later.low), later.close
        self.lots, self.value, self.trades = (
            self.lots + later.lots,
            self.value + later.value,
            self.trades + later.trades,
        )
        self.buy_lots, self.buy_value = self.buy_lots + later.buy_lots, self.buy_value + later.buy_value
        self.first_id = later.first_id if self.first_id < 0 else self.first_id
        self.last_id = max(self.last_id, later.last_id)


class Candles:
    def __init__(self) -> None:
        self._minutes: deque[Bar] = deque(maxlen=KEPT)

    def add(self, item: Traded) -> None:
        begin = item.at - item.at % MINUTE
        last = self._minutes[-1] if self._minutes else None
        while last is not None and last.begin < begin:  # minutes without a trade are flat
            flat = max(last.begin + MINUTE, begin - KEPT * MINUTE)
            last = Bar(flat, last.close, last.close, last.close, last.close)
            self._minutes.append(last)
        if last is None:
            last = Bar(begin, item.price, item.price, item.price, item.price)
            self._minutes.append(last)
        if not last.trades:
            last.open = last.high = last.low = item.price
        last.add(item)

    def bars(self, interval: str) -> list[Bar]:
        """All bars of an interval, oldest first, the last one still open."""
        if interval == "1m":
            return list(self._minutes)
        return _joined(self._minutes, interval)

    def recent(self, interval: str) -> list[Bar]:
        """The open bar and the one before it, as far as there are any."""
        if interval == "1m":
            return [self._minutes[index] for index in range(max(0, len(self._minutes) - 2), len(self._minutes))]
        if not self._minutes:
            return []
        open_begin = begin_of(self._minutes[-1].begin, interval)
        begin = begin_of(open_begin - 1, interval)
        recent: list[Bar] = []
        for bar in reversed(self._minutes):
            if bar.begin < begin:
                break
            recent.append(bar)
        return _joined(reversed(recent), interval)


def _joined(minutes: Iterable[Bar], interval: str) -> list[Bar]:
    joined: list[Bar] = []
    for bar in minutes:
        begin = begin_of(bar.begin, interval)
        if joined and joined[-1].begin == begin:
            joined[-1].join(bar)
        else:
            joined.append(replace(bar, begin=begin))
    return joined


def begin_of(at: int, interval: str) -> int:
    """When the bar that holds `at` (ms) began; weeks begin on Mondays, months on the first."""
    if interval == "1M":
        month = datetime.fromtimestamp(at / 1000, UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
        return int(month.timestamp() * 1000)
    offset = 4 * _DAY if interval == "1w" else 0  # the epoch was a Thursday
    return (at - offset) - (at - offset) % INTERVALS[interval] + offset


def end_of(begin: int, interval: str) -> int:
    """The last millisecond of the bar."""
    length = INTERVALS[interval]
    return (begin_of(begin + length + _DAY, interval) if interval == "1M" else begin + length) - 1


def row(instrument: Instrument, bar: Bar, interval: str) -> list[Any]:
    """One row of GET /fapi/v1/klines."""
    price, lots, unit = instrument.price_text, instrument.lots_text, instrument.unit
    prices = [price(bar.open), price(bar.high), price(bar.low), price(bar.close)]
    end = end_of(bar.begin, interval)
    taker = [lots(bar.buy_lots), money_text(bar.buy_value * unit)]
    return [bar.begin, *prices, lots(bar.lots), end, money_text(bar.value * unit), bar.trades, *taker, "0"]


def frame(instrument: Instrument, bar: Bar, interval: str, at: int, *, closed: bool) -> dict[str, Any]:
    """The payload of `<symbol>@kline_<interval>`."""
    price, lots, unit = instrument.price_text, instrument.lots_text, instrument.unit
    body = {
        "t": bar.begin,
        "T": end_of(bar.begin, interval),
        "s": instrument.symbol,
        "i": interval,
        "f": bar.first_id,
        "L": bar.last_id,
        "o": price(bar.open),
        "c": price(bar.close),
        "h": price(bar.high),
        "l": price(bar.low),
        "v": lots(bar.lots),
        "n": bar.trades,
        "x": closed,
        "q": money_text(bar.value * unit),
        "V": lots(bar.buy_lots),
        "Q": money_text(bar.buy_value * unit),
        "B": "0",
    }
    return {"e": "kline", "E": at, "s": instrument.symbol, "k": body}

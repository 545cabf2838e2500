"""The features again, straight from their definitions, in NumPy and extended precision, over whole arrays of events.

Slow and simple on purpose: no buckets kept, no state carried from one prefix to the next but the list of events.
"""

from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tradefleet_bot.core.events import (
    DepthDelta,
    DepthSnapshot,
    FeedState,
    Liquidation,
    MarkPrice,
    OpenInterest,
    Quote,
    Trade,
)

MS = 1_000_000
S = 1000 * MS
STALE = {"quote": 5 * S, "depth": 5 * S, "trade": 30 * S, "mark": 10 * S, "open_interest": 30 * S}
Exact = NDArray[np.longdouble]


def plausible(event: Any) -> bool:
    """Whether the event can be a market's."""
    price, quantity = (lambda x: 1e-12 <= x <= 1e15), (lambda x: 0 <= x <= 1e15)
    match event:
        case Quote():
            return (
                price(event.bid)
                and price(event.ask)
                and event.bid <= event.ask
                and quantity(event.bid_quantity)
                and quantity(event.ask_quantity)
            )
        case Trade() | Liquidation():
            return price(event.price) and quantity(event.quantity)
        case MarkPrice():
            return (
                price(event.mark)
                and (event.index is None or price(event.index))
                and (event.funding_rate is None or abs(event.funding_rate) <= 1)
            )
        case OpenInterest():
            return price(event.quantity)
    return True


@dataclass
class History:
    """A stream's accepted events; `begin[i]` is where the unbroken history of entry i begins, -1 for a stream down."""

    name: str
    number: list[int] = field(default_factory=list)
    event: list[Any] = field(default_factory=list)
    ts: list[int] = field(default_factory=list)
    at: list[int] = field(default_factory=list)
    begin: list[int] = field(default_factory=list)

    def append(self, number: int, event: Any) -> None:
        if isinstance(event, FeedState):
            if not event.up:
                self._add(number, event, 0, event.at, -1)
        elif plausible(event):
            fresh = not self.begin or self.begin[-1] < 0
            if self.name == "depth":
                self._add(number, event, event.ts, event.at, 0)
            elif fresh or event.at - self.at[-1] > STALE[self.name] or event.ts - self.ts[-1] > STALE[self.name]:
                self._add(number, event, event.ts, event.at, len(self.number))
            elif event.ts >= self.ts[-1] - S:
                self._add(number, event, max(event.ts, self.ts[-1]), event.at, self.begin[-1])

    def _add(self, number: int, event: Any, ts: int, at: int, begin: int) -> None:
        self.number.append(number)
        self.event.append(event)
        self.ts.append(ts)
        self.at.append(at)
        self.begin.append(begin)


@dataclass
class Slice:
    """What one stream knows at a moment: event time now, and its events with their times."""

    now: int
    events: list[Any]
    ts: NDArray[np.int64]

    def before(self, boundary: int) -> Any:
        """The last event before a time."""
        index = int(np.searchsorted(self.ts, boundary, "left")) - 1
        return self.events[index] if index >= 0 else None

    def since(self, width: int, window: int) -> list[Any] | None:
        """The events of the window that begins at a multiple of `width`."""
        start = (self.now // width - window // width) * width
        if self.ts[0] > start:
            return None
        return self.events[int(np.searchsorted(self.ts, start, "left")) :]


class Batch:
    """The features at any prefix of a list of events."""

    def __init__(self, events: Sequence[Any]) -> None:
        self._events = events
        self._slices: dict[tuple[str, int, int], Slice | None] = {}
        self._replayed = 0
        self._sides: tuple[dict[float, float], dict[float, float]] = ({}, {})
        self._ready = False
        self._histories = {name: History(name) for name in STALE}
        stream = {
            Quote: "quote",
            Trade: "trade",
            MarkPrice: "mark",
            OpenInterest: "open_interest",
            DepthSnapshot: "depth",
            DepthDelta: "depth",
        }
        for number, event in enumerate(events):
            name = event.stream if isinstance(event, FeedState) else stream.get(type(event))
            if name in self._histories:
                self._histories[name].append(number, event)
        self._forced = [(n, event) for n, event in enumerate(events) if isinstance(event, FeedState | Liquidation)]
        self._times = {name: np.array(found.ts, np.int64) for name, found in self._histories.items()}

    def value(self, name: str, prefix: int, at: int) -> float | None:
        """Feature `name` at engine time `at` after the first `prefix` events."""
        for start, function in FUNCTIONS.items():
            if name.startswith(start):
                value = function(self, name, prefix, at)
                return None if value is None else float(value)
        raise AssertionError(f"no batch reference for {name}")

    def stream(self, name: str, prefix: int, at: int) -> Slice | None:
        """A stream's history at a prefix; None while stale, down or empty."""
        key = (name, prefix, at)
        if key not in self._slices:
            self._slices = {kept: found for kept, found in self._slices.items() if kept[1:] == key[1:]}
            self._slices[key] = self._stream(*key)
        return self._slices[key]

    def _stream(self, name: str, prefix: int, at: int) -> Slice | None:
        history = self._histories[name]
        end = bisect_right(history.number, prefix - 1)
        if end == 0 or history.begin[end - 1] < 0 or at - history.at[end - 1] > STALE[name]:
            return None
        begin = history.begin[end - 1]
        now = history.ts[end - 1] + max(0, at - history.at[end - 1])
        return Slice(now, history.event[begin:end], self._times[name][begin:end])

    def book(self, prefix: int, at: int) -> tuple[list[tuple[float, float]], list[tuple[float, float]]] | None:
        """Both sides, best first; prefixes are asked in ascending order."""
        for event in self._events[self._replayed : prefix]:
            if isinstance(event, FeedState) and event.stream == "depth" and not event.up:
                self._ready = False
            if isinstance(event, DepthSnapshot):
                self._sides, self._ready = ({}, {}), True
            if isinstance(event, DepthSnapshot | DepthDelta) and self._ready:
                for side, levels in zip(self._sides, (event.bids, event.asks), strict=True):
                    side.update(levels)
        self._replayed = prefix
        if not self._ready or self.stream("depth", prefix, at) is None:
            return None
        bids, asks = (
            [level for level in side.items() if 0 < level[1] < 1e15 and 0 < level[0] < 1e15] for side in self._sides
        )
        if not bids or not asks or max(bids)[0] >= min(asks)[0]:
            return None
        return sorted(bids, reverse=True), sorted(asks)

    def liquidations(self, prefix: int, at: int) -> tuple[int, int, list[tuple[int, Liquidation]]] | None:
        """Event time now, when the stream was first known to be up, and the placed events."""
        clock: tuple[int, int] | None = None
        start = 0
        placed: list[tuple[int, Liquidation]] = []
        for number, event in self._forced:
            if number >= prefix:
                break
            if isinstance(event, FeedState) and event.stream == "liquidation":
                if not event.up:
                    clock, placed = None, []
                elif clock is None:
                    clock, start = (event.at, event.at), event.at
            elif isinstance(event, Liquidation) and plausible(event):
                if clock is None:
                    clock, start = (event.ts, event.at), event.ts
                running = clock[0] + max(0, event.at - clock[1])
                ts = int(np.clip(event.ts, max(clock[0], running - S), running + S))
                clock = (ts, max(clock[1], event.at))
                placed.append((ts, event))
        return None if clock is None else (clock[0] + max(0, at - clock[1]), start, placed)


def mid(quote: Quote) -> np.longdouble:
    """In the double precision that the bot sees, then exact."""
    return np.longdouble(quote.bid + (quote.ask - quote.bid) * 0.5)


def window_of(name: str) -> int:
    return int(name.rsplit("_", 1)[1].removesuffix("s")) * S


def step_of(window: int) -> int:
    return 200 * MS if window <= 5 * S else S


def sampled(batch: Batch, name: str, prefix: int, at: int) -> tuple[Exact, Slice] | None:
    quotes = batch.stream("quote", prefix, at)
    if quotes is None:
        return None
    step = step_of(window_of(name))
    count = window_of(name) // step
    found = [quotes.before((quotes.now // step - back) * step) for back in range(count, -1, -1)]
    return None if None in found else (np.array([mid(quote) for quote in found]), quotes)


def log_return(batch: Batch, name: str, prefix: int, at: int) -> Any:
    quotes = batch.stream("quote", prefix, at)
    if quotes is None:
        return None
    then = quotes.before((quotes.now - window_of(name)) // (100 * MS) * (100 * MS))
    return None if then is None else np.log(mid(quotes.events[-1]) / mid(then))


def volatility(batch: Batch, name: str, prefix: int, at: int) -> Any:
    found = sampled(batch, name, prefix, at)
    return None if found is None else np.sqrt(np.sum(np.diff(np.log(found[0])) ** 2) / (window_of(name) / S))


def momentum(batch: Batch, name: str, prefix: int, at: int) -> Any:
    moved, deviation = log_return(batch, name, prefix, at), volatility(batch, name, prefix, at)
    if moved is None or deviation is None:
        return None
    return moved / np.maximum(deviation * np.sqrt(window_of(name) / S), 1e-6)


def zscore(batch: Batch, name: str, prefix: int, at: int) -> Any:
    found = sampled(batch, name, prefix, at)
    if found is None:
        return None
    mids, quotes = found
    return (mid(quotes.events[-1]) - mids.mean()) / np.maximum(mids.std(), 1e-6 * mids.mean())


def true_range(batch: Batch, name: str, prefix: int, at: int) -> Any:
    trades = batch.stream("trade", prefix, at)
    if trades is None:
        return None
    length = window_of(name)
    bar = trades.ts // length
    prices = np.array([trade.price for trade in trades.events])
    close = [prices[bar <= index][-1] for index in range(bar[0], trades.now // length)]
    ranges = []
    for index, previous in zip(range(bar[0] + 1, trades.now // length), close, strict=False):
        inside = np.append(prices[bar == index], previous)
        ranges.append(inside.max() - inside.min())
    if len(ranges) < 14:
        return None
    average = np.mean(ranges[:14], dtype=np.longdouble)
    for value in ranges[14:]:
        average = (13 * average + value) / 14
    return average / prices[-1]


def flow_imbalance(batch: Batch, name: str, prefix: int, at: int) -> Any:
    trades = batch.stream("trade", prefix, at)
    inside = None if trades is None else trades.since(250 * MS, window_of(name))
    if inside is None:
        return None
    signed = np.array([trade.quantity if trade.side == "BUY" else -trade.quantity for trade in inside], np.longdouble)
    total = np.abs(signed).sum()
    return signed.sum() / total if total > 0 else None


def trade_rate(batch: Batch, name: str, prefix: int, at: int) -> Any:
    trades = batch.stream("trade", prefix, at)
    inside = None if trades is None else trades.since(250 * MS, window_of(name))
    return None if inside is None else len(inside) / (window_of(name) / S)


def last(name: str, function: Callable[[Any, int], Any]) -> Callable[..., Any]:
    """A function of the last event and of event time."""

    def value(batch: Batch, _: str, prefix: int, at: int) -> Any:
        found = batch.stream(name, prefix, at)
        return None if found is None else function(found.events[-1], found.now)

    return value


def imbalance(quote: Quote, _: int) -> Any:
    total = quote.bid_quantity + quote.ask_quantity
    return (quote.bid_quantity - quote.ask_quantity) / total if total > 0 else None


def microprice(quote: Quote, _: int) -> Any:
    bid, ask, bids, asks = (np.longdouble(x) for x in (quote.bid, quote.ask, quote.bid_quantity, quote.ask_quantity))
    return ((bid * asks + ask * bids) / (bids + asks) - mid(quote)) / mid(quote) if bids + asks > 0 else None


def book_imbalance(batch: Batch, name: str, prefix: int, at: int) -> Any:
    book = batch.book(prefix, at)
    if book is None:
        return None
    bids, asks = (np.sum([quantity for _, quantity in side[: int(name.rsplit("_", 1)[1])]]) for side in book)
    return (bids - asks) / (bids + asks)


def depth_slope(batch: Batch, name: str, prefix: int, at: int) -> Any:
    book = batch.book(prefix, at)
    if book is None:
        return None
    center = (book[0][0][0] + book[1][0][0]) / 2
    slopes = []
    for side in book:
        prices, quantities = np.array(side[: int(name.rsplit("_", 1)[1])]).T
        distance = np.abs(prices - center) / center
        slopes.append(np.linalg.lstsq(distance[:, None], np.cumsum(quantities), rcond=None)[0][0])
    return (slopes[0] - slopes[1]) / (slopes[0] + slopes[1])


def interest_change(batch: Batch, name: str, prefix: int, at: int) -> Any:
    found = batch.stream("open_interest", prefix, at)
    then = None if found is None else found.before((found.now - window_of(name)) // S * S)
    return None if found is None or then is None else found.events[-1].quantity / np.longdouble(then.quantity) - 1


def time_to_funding(mark: MarkPrice, now: int) -> Any:
    if mark.next_funding is None or mark.next_funding - now > 24 * 3600 * S:
        return None
    return max(0, mark.next_funding - now) / S


def liquidation(batch: Batch, name: str, prefix: int, at: int) -> Any:
    found = batch.liquidations(prefix, at)
    if found is None:
        return None
    now, start, placed = found
    begin = now // S * S - window_of(name)
    side = "SELL" if "_long_" in name else "BUY"
    inside = [event.price * event.quantity for ts, event in placed if ts >= begin and event.side == side]
    return None if start > begin else np.sum(inside) / (window_of(name) / S)


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "return_": log_return,
    "volatility_": volatility,
    "momentum_": momentum,
    "zscore_": zscore,
    "atr_": true_range,
    "flow_imbalance_": flow_imbalance,
    "trade_rate_": trade_rate,
    "spread": last("quote", lambda quote, _: (np.longdouble(quote.ask) - quote.bid) / mid(quote)),
    "quote_imbalance": last("quote", imbalance),
    "microprice_deviation": last("quote", microprice),
    "book_imbalance_": book_imbalance,
    "depth_slope_": depth_slope,
    "open_interest_change_": interest_change,
    "open_interest": last("open_interest", lambda event, _: event.quantity),
    "funding_rate": last("mark", lambda mark, _: mark.funding_rate),
    "time_to_funding": last("mark", time_to_funding),
    "basis": last("mark", lambda mark, _: None if mark.index is None else np.longdouble(mark.mark) / mark.index - 1),
    "liquidation_": liquidation,
    "time_of_day_sin": lambda _, __, ___, at: np.sin(2 * np.pi * ((at % (86400 * S)) / S) / 86400),
    "time_of_day_cos": lambda _, __, ___, at: np.cos(2 * np.pi * ((at % (86400 * S)) / S) / 86400),
}

"""What becomes of engine events on the streams: aggregation, windows, and things that are told exactly once."""

import itertools
import json

import pytest

from tradefleet_sim.binance.publisher import Publisher
from tradefleet_sim.engine.events import BookChanged, MarketNews, Traded
from tradefleet_sim.engine.symbol import SymbolState
from tradefleet_sim.instruments import BTCUSDT
from tradefleet_sim.market.events import BookUpdate, Liquidation, Mark

MINUTE = 60_000
START = 100 * MINUTE


class Tape:
    """A publisher whose frames are kept by stream."""

    def __init__(self, *streams: str) -> None:
        self.symbol = SymbolState(BTCUSDT)
        self.publisher = Publisher(self.symbol, streams.__contains__)
        self.frames = {stream: [] for stream in streams}

    def _keep(self, frames) -> None:
        for stream, payload in frames:
            if stream in self.frames:
                self.frames[stream].append(json.loads(payload))

    def trade(self, at, price, lots=1, sold=False, trade_id=[0]):  # noqa: B006 - a counter of all trades
        trade_id[0] += 1
        self._keep(self.publisher.on(Traded("BTCUSDT", at, trade_id[0], price, lots, sold)))

    def book(self, at, bids, asks):
        self.symbol.take_market(BookUpdate(at, self.symbol.update + 10, bids, asks))
        change = self.symbol.drain_book(at, own=False)
        assert isinstance(change, BookChanged)
        self._keep(self.publisher.on(change))

    def news(self, item):
        self._keep(self.publisher.on(MarketNews("BTCUSDT", item)))

    def pass_time(self, now):
        self._keep(self.publisher.advance(now))


def test_fills_of_one_taker_at_one_price_are_one_agg_trade():
    tape = Tape("btcusdt@aggTrade", "btcusdt@trade")
    for price, lots, sold in ((10, 1, False), (10, 2, False), (11, 4, False), (11, 8, True)):
        tape.trade(START, price, lots, sold)
    tape.trade(START + 1, 11, 16, True)
    tape.pass_time(START + 200)
    told = [(item["p"], item["q"], item["m"], item["l"] - item["f"]) for item in tape.frames["btcusdt@aggTrade"]]
    assert told == [
        ("1.00", "0.003", False, 1),
        ("1.10", "0.004", False, 0),
        ("1.10", "0.008", True, 0),
        ("1.10", "0.016", True, 0),
    ]
    assert len(tape.frames["btcusdt@trade"]) == 5
    assert [item["a"] for item in tape.frames["btcusdt@aggTrade"]] == [1, 2, 3, 4]


def test_at_most_one_forced_order_a_second_the_largest():
    tape = Tape("btcusdt@forceOrder", "!forceOrder@arr")
    for lots in (3, 9, 5):
        tape.news(Liquidation(START, True, 100, 99, lots))
    tape.pass_time(START)
    tape.news(Liquidation(START + 100, False, 100, 101, 7))
    tape.pass_time(START + 999)
    tape.pass_time(START + 1000)
    told = [(frame["o"]["q"], frame["o"]["S"]) for frame in tape.frames["btcusdt@forceOrder"]]
    assert told == [("0.009", "SELL"), ("0.007", "BUY")]
    assert tape.frames["!forceOrder@arr"] == tape.frames["btcusdt@forceOrder"]


@pytest.mark.parametrize("interval", ["1m", "3m", "1h"])
def test_a_bar_is_closed_exactly_once_whenever_the_next_trade_comes(interval):
    length = {"1m": MINUTE, "3m": 3 * MINUTE, "1h": 60 * MINUTE}[interval]
    begin = START - START % length + length
    tape = Tape(f"btcusdt@kline_{interval}")
    tape.trade(begin + 5, 10)
    tape.trade(begin + length - 10, 12)
    tape.pass_time(begin + length - 5)
    tape.trade(begin + length + 1, 20)  # before anything could be told about the end of the bar
    for step in range(0, 2 * length + 2000, 250):
        tape.pass_time(begin + length + 245 + step)
    frames = [frame["k"] for frame in tape.frames[f"btcusdt@kline_{interval}"]]
    closed = [(bar["t"], bar["o"], bar["c"]) for bar in frames if bar["x"]]
    assert closed == [(begin, "1.00", "1.20"), (begin + length, "2.00", "2.00")]
    assert frames[-1]["x"]


def test_depth_windows_chain_and_partial_books_are_whole():
    tape = Tape("btcusdt@depth", "btcusdt@depth@100ms", "btcusdt@depth@500ms", "btcusdt@depth5@100ms")
    tape.book(START, [(100 - i, 1 + i) for i in range(9)], [(101 + i, 1) for i in range(9)])
    for step in range(1, 200):
        at = START + 10 * step
        tape.book(at, [(95, 1 + step)], [(101 + step % 5, step)])
        tape.pass_time(at)
    for stream, least in (("btcusdt@depth", 7), ("btcusdt@depth@100ms", 19), ("btcusdt@depth@500ms", 3)):
        frames = tape.frames[stream]
        assert len(frames) >= least
        for before, after in itertools.pairwise(frames):
            assert after["pu"] == before["u"] < after["U"] <= after["u"]
    for frame in tape.frames["btcusdt@depth5@100ms"]:
        assert (len(frame["b"]), len(frame["a"])) == (5, 5)
        assert frame["b"][0][0] == "10.00"


def test_mark_price_every_second_and_every_third():
    tape = Tape("btcusdt@markPrice@1s", "btcusdt@markPrice", "!markPrice@arr@1s")
    for second in range(6):
        tape.news(Mark(START + 1000 * second, "1.0", "1.0", "1.0", "0.0001", START + MINUTE))
    assert [len(frames) for frames in tape.frames.values()] == [6, 2, 6]
    assert tape.frames["!markPrice@arr@1s"][0] == [tape.frames["btcusdt@markPrice@1s"][0]]


def test_what_nobody_listens_to_is_not_encoded():
    tape = Tape()
    tape.trade(START, 10)
    tape.book(START, [(9, 1)], [(10, 1)])
    tape.pass_time(START + 1000)
    assert tape.frames == {}
    assert [item.lots for item in tape.publisher.agg_trades] == [1]  # but REST can still ask for it

"""The generated market: reproducible, legal, plausible, and with exactly as much to learn as it says."""

import gzip
import itertools
import json
import math

import numpy as np
import pytest

from tradefleet_sim.market.events import BookUpdate, Liquidation, Mark, OpenInterest, Print, Snapshot
from tradefleet_sim.market.generator import MarketSpec, generate
from tradefleet_sim.record import record, write

START = 1_700_000_000_000


def market(seed: int, seconds: float, **spec):
    events = generate(np.random.default_rng(seed), MarketSpec(**spec), START)
    return itertools.takewhile(lambda event: event.at < START + seconds * 1000, events)


def test_same_seed_same_bytes_and_another_seed_another_market(tmp_path):
    assert list(record(7, 30)) == list(record(7, 30))
    assert list(record(7, 30)) != list(record(8, 30))
    paths = [tmp_path / "a.gz", tmp_path / "b.gz"]
    for path in paths:
        assert write(record(7, 5), path)[0] > 100
    assert paths[0].read_bytes() == paths[1].read_bytes()


def test_a_longer_recording_begins_with_the_shorter_one():
    short = list(record(3, 10))
    assert list(itertools.islice(record(3, 20), len(short))) == short


def test_events_are_in_order_and_the_book_is_never_crossed():
    bids, asks, last_at, last_update = {}, {}, START, 0
    for event in market(11, 60, rate=200.0):
        assert event.at >= last_at
        last_at = event.at
        if isinstance(event, Snapshot | BookUpdate):
            assert event.update > last_update
            last_update = event.update
            for side, rows in ((bids, event.bids), (asks, event.asks)):
                side.update(rows)
                for price in [price for price, lots in rows if not lots]:
                    del side[price]
            assert max(bids) < min(asks)
            assert all(price > 0 and lots > 0 for price, lots in itertools.chain(bids.items(), asks.items()))
        elif isinstance(event, Print | Liquidation):
            assert event.lots > 0


def test_recorded_book_follows_the_venues_rules():
    lines = record(5, 60)
    snapshot = json.loads(next(lines).split(b" ", 1)[1])
    book = {"b": dict(snapshot["bids"]), "a": dict(snapshot["asks"])}
    last, first, received, tickers, matches = snapshot["lastUpdateId"], True, 0, {}, 0
    for line in lines:
        stamp, payload = line.split(b" ", 1)
        assert int(stamp) > received
        received = int(stamp)
        frame = json.loads(payload)
        data = frame.get("data", {})
        assert data.get("E", 0) * 1_000_000 < received
        if data.get("e") == "bookTicker":
            tickers[data["u"]] = (data["b"], data["B"], data["a"], data["A"])
        elif data.get("e") == "depthUpdate":
            if first:
                assert data["U"] <= last <= data["u"]
                first = False
            else:
                assert data["pu"] == last
            last = data["u"]
            for side in "ba":
                for price, quantity in data[side]:
                    if float(quantity):
                        book[side][price] = quantity
                    else:
                        book[side].pop(price, None)
            bid, ask = max(book["b"], key=float), min(book["a"], key=float)
            assert float(bid) < float(ask)
            if (ticker := tickers.get(last)) is not None:
                assert ticker == (bid, book["b"][bid], ask, book["a"][ask])
                matches += 1
    assert matches > 100


def test_the_market_is_plausible_and_has_every_kind_of_event():
    prices, opens, prints, liquidations = [], [], 0, 0
    for event in market(2, 3600, rate=40.0):
        match event:
            case Mark():
                prices.append(float(event.mark_price))
                assert abs(float(event.rate)) < 0.01
                assert event.next_funding > event.at
            case OpenInterest():
                opens.append(event.lots)
            case Print():
                prints += 1
            case Liquidation():
                liquidations += 1
    returns = np.diff(np.log(prices))
    yearly = returns.std() * math.sqrt(365 * 86_400)
    assert 0.1 < yearly < 2.0  # marks are smoothed, regimes differ
    assert 0.9 < prices[-1] / 60_000 < 1.1
    size = np.abs(returns)
    assert np.corrcoef(size[:-10], size[10:])[0, 1] > 0.03  # volatility clusters
    assert prints > 1000
    assert liquidations > 10
    assert np.std(opens) > 0


def correlations(signal: float) -> tuple[float, float]:
    """What a model could find: past 20 s trade imbalance → next 30 s return; past 300 s OI change → next 300 s."""
    seconds = 4 * 3600
    flow, price, opens = np.zeros(seconds), np.zeros(seconds), np.zeros(seconds)
    for event in market(2, seconds, rate=2.0, signal=signal):
        second = (event.at - START) // 1000
        match event:
            case Print():
                flow[second] += -1 if event.buyer_is_maker else 1
            case Mark():
                price[second] = math.log(float(event.index_price))  # follows the mid without a lag
            case OpenInterest():
                opens[second] = math.log(event.lots)
    imbalance = np.convolve(flow, np.ones(20), "valid")[:-30]
    after = price[49:] - price[19:-30]
    change, later = opens[300:-300] - opens[:-600], price[600:] - price[300:-300]
    return float(np.corrcoef(imbalance, after)[0, 1]), float(np.corrcoef(change, later)[0, 1])


def test_there_is_something_to_find_only_where_there_is_a_signal():
    quick_none, slow_none = correlations(0.0)
    quick, slow = correlations(1.0)
    assert abs(quick_none) < 0.1
    assert quick > 0.12
    assert abs(slow_none) < 0.15  # 48 independent windows: one standard deviation; the seed is fixed
    assert slow > 0.15


@pytest.mark.parametrize("bad", [{"signal": 1.5}, {"signal": -0.1}, {"rate": 0.0}])
def test_values_out_of_range_are_refused(bad):
    with pytest.raises(ValueError, match=next(iter(bad))):
        MarketSpec(**bad)


def test_a_recording_is_gzip_of_lines(tmp_path):
    count, size = write(record(1, 2), tmp_path / "x.gz")
    with gzip.open(tmp_path / "x.gz") as file:
        data = file.read()
    assert data.count(b"\n") == count
    assert len(data) == size

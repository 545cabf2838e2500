"""Recordings as markets: restamped, looped without a break, faithful to what was recorded and silent about the rest."""

import gzip
import itertools
import json
import os
from pathlib import Path

import pytest
from support.simulator import Client, next_json

from tradefleet_sim.engine.events import BookChanged
from tradefleet_sim.engine.exchange import Exchange
from tradefleet_sim.market.events import Liquidation, Mark, OpenInterest, Print, Quote, Snapshot
from tradefleet_sim.market.replay import Recording, RecordingError
from tradefleet_sim.record import record, write
from tradefleet_sim.server import Config, Simulator

START = 1_800_000_000_000
DATA = Path(os.environ.get("TRADEFLEET_DATA", Path(__file__).parents[3] / "shared" / "data"))


def real(name: str) -> Path:
    path = DATA / name
    if not path.exists():
        pytest.skip(f"the recording {name} is not in {DATA}")
    return path


@pytest.fixture
def generated(tmp_path):
    path = tmp_path / "market.gz"
    write(record(3, 20), path)
    return path


def play(path: Path, count: int):
    """Plays events through an exchange, checking at each that times, ids and the book are legal."""
    recording = Recording.open(path)
    exchange = Exchange([recording.instrument])
    state, last_at, last_update, events = exchange.state.symbols[recording.instrument.symbol], START, 0, []
    for event in itertools.islice(recording.play(START), count):
        assert event.at >= last_at
        last_at = event.at
        exchange.market(recording.instrument.symbol, event)
        for change in exchange.drain():
            if isinstance(change, BookChanged):
                assert change.update > last_update
                assert change.best_bid[0] < change.best_ask[0]
                last_update = change.update
        if isinstance(event, Quote):
            assert (state.book.bids.top(1)[0], state.book.asks.top(1)[0]) == (event.bid, event.ask)
        events.append(event)
    return events


def test_a_generated_recording_is_played_again_and_again(generated):
    with gzip.open(generated) as file:
        kinds = [json.loads(line.split(b" ", 1)[1]).get("data", {}).get("e") for line in file]
    events = play(generated, 3 * len(kinds))
    assert sum(isinstance(event, Snapshot) for event in events) >= 3  # the seam sets the first book again
    once = list(itertools.takewhile(lambda event: not isinstance(event, Snapshot), events[1:]))
    assert sum(isinstance(event, Print) for event in once) == kinds.count("aggTrade")
    assert sum(isinstance(event, Mark) for event in once) == kinds.count("markPriceUpdate")
    assert sum(isinstance(event, Liquidation) for event in once) == kinds.count("forceOrder")
    assert any(isinstance(event, OpenInterest) for event in once)


def test_the_real_recording_of_2024_with_its_snapshot():
    events = play(real("binance_usdm_btcusdt_20240808.raw.gz"), 40_000)
    assert isinstance(events[0], Snapshot)
    marks = [event for event in events if isinstance(event, Mark)]
    assert all((mark.rate, mark.index_price, mark.next_funding) == ("", "", 0) for mark in marks)
    assert (
        (events[-1].at - START) // 1000 <= len(marks) <= (events[-1].at - START) // 1000 + 2
    )  # the mid, once a second
    assert {type(event) for event in events}.isdisjoint({OpenInterest, Liquidation})


def test_the_real_recording_of_2023_without_a_snapshot():
    events = play(real("binance_usdm_btcusdt_20230405.raw.gz"), 30_000)
    marks = [event for event in events if isinstance(event, Mark)]
    assert all(mark.rate and mark.next_funding > mark.at - 8 * 3_600_000 for mark in marks)


async def test_served_recording_says_what_it_lacks():
    path = real("binance_usdm_btcusdt_20240808.raw.gz")
    async with Simulator(Config(port=0, recording=path)) as sim, Client(sim.url) as client:
        assert sim.absent == ["funding", "liquidation", "open_interest"]
        status, body = await client.public("/fapi/v1/openInterest", symbol="BTCUSDT")
        assert (status, body["code"]) == (400, -4084)
        async with client.stream("/market/ws/btcusdt@markPrice@1s/btcusdt@aggTrade") as socket:
            mark = await next_json(socket, lambda frame: frame["e"] == "markPriceUpdate")
            assert (mark["i"], mark["r"], mark["T"]) == ("", "", 0)
            assert 60_000 < float(mark["p"]) < 63_000
            trade = await next_json(socket, lambda frame: frame["e"] == "aggTrade")
            _, body = await client.public("/fapi/v1/time")
            assert 0 <= body["serverTime"] - trade["T"] < 5_000
        done = await client.order(side="BUY", type="MARKET", quantity="0.010")
        assert done["status"] == "FILLED"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "no bookTicker"),
        (b"not gzip", "cannot be read"),
        (gzip.compress(b"1 {}\n2 [\n3\n"), "no bookTicker"),
        (gzip.compress(b"".join(record(1, 3)))[:-400], "cannot be read"),
        (gzip.compress(b"".join(record(1, 1)).replace(b"BTCUSDT", b"XYZUSDT")), "one symbol"),
    ],
)
def test_what_cannot_be_played_is_refused_in_one_sentence(tmp_path, content, words):
    path = tmp_path / "bad.gz"
    path.write_bytes(content)
    with pytest.raises(RecordingError, match=words):
        Recording.open(path)


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(RecordingError, match="cannot be read"):
        Recording.open(tmp_path / "none.gz")

"""Recordings: real ones read completely and in order; damage costs the line it hits."""

import gzip
import json
import os
from collections import Counter
from pathlib import Path

import pytest

from tradefleet_bot.core.events import DepthDelta, DepthSnapshot, FeedState, MarketEvent, Quote
from tradefleet_bot.venues.binance.recording import Recording, RecordingError, raw_lines, read, split
from tradefleet_sim.record import record

ROOT = Path(__file__).parents[3]
DATA = Path(os.environ.get("TRADEFLEET_DATA", ROOT.parent / "shared" / "data"))


def _recorded(day: str) -> Path:
    path = DATA / f"binance_usdm_btcusdt_{day}.raw.gz"
    if not path.exists():
        pytest.skip(f"recording {path} is not here: set TRADEFLEET_DATA to the folder that holds it")
    return path


def test_the_recording_with_a_snapshot_gives_every_line_as_an_event_and_the_venue_s_book() -> None:
    path = _recorded("20240808")
    # Quote events carry no update id, so the ids are read beside them, from the same lines.
    tickers = {
        data["u"]: (float(data["b"]), float(data["B"]), float(data["a"]), float(data["A"]))
        for line in raw_lines(path)
        if b'"bookTicker"' in line
        for data in [json.loads(line.split(b" ", 1)[1])["data"]]
    }
    ids = [json.loads(line.split(b" ", 1)[1])["data"]["u"] for line in raw_lines(path) if b'"depthUpdate"' in line]
    recording = read(path)
    kinds: Counter[str] = Counter()
    bids: dict[float, float] = {}
    asks: dict[float, float] = {}
    tops: list[tuple[float, float, float, float]] = []
    at = 0
    for event in recording:
        assert event.at >= at
        at = event.at
        kinds[type(event).__name__] += 1
        if isinstance(event, DepthSnapshot):
            bids, asks = dict(event.bids), dict(event.asks)
        if isinstance(event, DepthDelta):
            for side, changes in ((bids, event.bids), (asks, event.asks)):
                for price, quantity in changes:
                    if quantity:
                        side[price] = quantity
                    else:
                        side.pop(price, None)
            bid, ask = max(bids), min(asks)
            assert bid < ask
            tops.append((bid, bids[bid], ask, asks[ask]))
    same_id = [(top, tickers[u]) for top, u in zip(tops, ids[-len(tops) :], strict=True) if u in tickers]
    assert recording.lines == 93_954
    assert recording.bad_lines == recording.feed.decode_errors == recording.feed.gaps == 0
    assert kinds["Quote"] == 66_089
    assert kinds["Trade"] == 21_313
    assert kinds["DepthSnapshot"] == 1
    assert kinds["DepthDelta"] == 6_547  # four updates are older than the snapshot
    assert kinds["FeedState"] == 3
    assert len(same_id) == 629
    assert all(top == ticker for top, ticker in same_id)
    assert 1.2e9 < recording.clock_offset < 1.4e9


def test_the_older_recording_has_funding_and_no_snapshot_so_depth_stays_down() -> None:
    recording = read(_recorded("20230405"))
    kinds: Counter[str] = Counter()
    at = 0
    for event in recording:
        assert event.at >= at
        at = event.at
        kinds[type(event).__name__] += 1
        assert not (isinstance(event, FeedState) and event.stream == "depth")
    assert kinds == {"Quote": 37_440, "Trade": 10_737, "MarkPrice": 415, "FeedState": 3}
    assert recording.lines == 60_381
    assert recording.bad_lines == recording.feed.decode_errors == 0


QUOTE = '{"e":"bookTicker","u":1,"s":"BTCUSDT","b":"9","B":"1","a":"10","A":"1","T":1700000000000,"E":1700000000000}'


@pytest.mark.parametrize("stamp", ["1700000000001000000", "1700000000001000", "1700000000001"])
def test_receive_times_in_any_unit(stamp: str) -> None:
    assert split(f"{stamp} {QUOTE}".encode()) == (1_700_000_000_001_000_000, QUOTE.encode())


@pytest.mark.parametrize("line", [b"", b"12", b"x {}", b"17 {}", b"-1700000000001000 {}", b"9" * 25 + b" {}", b"\xff"])
def test_lines_without_a_plausible_time_are_refused(line: bytes) -> None:
    assert split(line) is None


def test_damage_costs_its_line_and_time_never_goes_back(tmp_path: Path) -> None:
    path = tmp_path / "r.raw"
    path.write_text(f"1700000000009000 {QUOTE}\nnoise\n1700000000008000 {{\n1700000000007000 {QUOTE}\n")
    recording = read(path)
    events = [event for event in recording if isinstance(event, Quote)]
    assert [event.at for event in events] == [1_700_000_000_009_000_000] * 2
    assert (recording.lines, recording.bad_lines, recording.feed.decode_errors) == (4, 1, 1)


def test_only_the_symbols_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "r.raw"
    path.write_text(f"1700000000009000 {QUOTE}\n")
    recording = read(path, ["ETHUSDT"])
    events: list[MarketEvent | FeedState] = [e for e in recording if isinstance(e, MarketEvent | FeedState)]
    assert events == []
    assert recording.feed.ignored == {"symbol": 1}


def test_a_torn_or_missing_file_is_one_sentence(tmp_path: Path) -> None:
    torn = tmp_path / "torn.gz"
    torn.write_bytes(gzip.compress(f"1700000000009000 {QUOTE}\n".encode() * 100)[:-20])
    for path in (torn, tmp_path / "absent.gz"):
        with pytest.raises(RecordingError, match="cannot be read"):
            list(read(path))


def test_a_generated_recording_is_read_whole_though_its_snapshot_comes_before_the_first_diff() -> None:
    recording = Recording(line.rstrip(b"\n") for line in record(7, 20))
    kinds = Counter(type(event).__name__ for event in recording)
    assert recording.bad_lines == recording.feed.decode_errors == recording.feed.gaps == 0
    assert kinds["DepthSnapshot"] == 1
    assert kinds["DepthDelta"] > 100
    assert kinds["OpenInterest"] == 4

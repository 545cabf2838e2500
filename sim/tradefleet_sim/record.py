"""Writes a generated market as raw frames, `<receive time ns> <json>` a line, like a recorder at the venue would.

REST replies stand bare among the combined-stream frames: the depth snapshot is the first line, open interest comes
every five seconds as a poller would see it. The streams are bookTicker, depth@100ms (here: diffs at most every 100 ms),
aggTrade, markPrice@1s and forceOrder. Same seed, same arguments: the same bytes.

    python -m tradefleet_sim.record --seed 7 --seconds 3600 --out market.raw.gz
"""

from __future__ import annotations

import argparse
import gzip
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np

from tradefleet_sim import cli
from tradefleet_sim.binance import frames
from tradefleet_sim.binance.frames import AggTrade
from tradefleet_sim.instruments import BTCUSDT, INSTRUMENTS, Instrument
from tradefleet_sim.market.events import BookUpdate, Liquidation, Mark, MarketEvent, OpenInterest, Print, Snapshot
from tradefleet_sim.market.generator import MarketSpec, generate

START_MS: Final = 1_767_225_600_000  # 2026-01-01T00:00:00Z
_LATENCY_NS: Final = 1_200_000  # from the venue's event time to the recorder's receive time
_DEPTH_MS: Final = 100
_OPEN_INTEREST_MS: Final = 5_000
_NEAR: Final = 64  # ticks in which the next best level is looked for before all are compared


def record(
    seed: int,
    seconds: float,
    *,
    signal: float = 0.3,
    rate: float = 60.0,
    start_ms: int = START_MS,
    instrument: Instrument = BTCUSDT,
) -> Iterator[bytes]:
    """Lines (each with its newline) of `seconds` of market time.

    `rate` is the mean number of market events a second (about 1.3 frames each), `signal` the strength in [0, 1] of what
    can be learned. Raises ValueError for values out of range.
    """
    spec = MarketSpec(instrument=instrument, rate=rate, signal=signal)
    events = generate(np.random.default_rng(seed), spec, start_ms)
    return _lines(events, instrument, start_ms + int(seconds * 1000))


def _lines(events: Iterator[MarketEvent], instrument: Instrument, end_ms: int) -> Iterator[bytes]:
    stamper = _Stamper()
    recorder = _Recorder(instrument)
    for event in events:
        if event.at >= end_ms:
            return
        for payload in recorder.frames(event):
            yield b"%d %s\n" % (stamper.receive_ns(event.at), payload.encode())


class _Stamper:
    """Receive times: event time plus latency, strictly growing within a millisecond as in real recordings."""

    def __init__(self) -> None:
        self._last = 0

    def receive_ns(self, at_ms: int) -> int:
        self._last = max(self._last + 7_000, at_ms * 1_000_000 + _LATENCY_NS)
        return self._last


class _Recorder:
    """Which frames a market event makes on the recorded streams."""

    def __init__(self, instrument: Instrument) -> None:
        self._instrument = instrument
        name = instrument.symbol.lower()
        self._prefix = {
            kind: f'{{"stream":"{name}@{kind}","data":'
            for kind in ("bookTicker", "depth@100ms", "aggTrade", "markPrice@1s", "forceOrder")
        }
        self._bids: dict[int, int] = {}
        self._asks: dict[int, int] = {}
        self._best: tuple[tuple[int, int], tuple[int, int]] = ((0, 0), (0, 0))
        self._first = self._previous = self._depth_due = 0
        self._open_interest_due = 0
        self._trades = 0
        self._book = _Best()

    def frames(self, event: MarketEvent) -> Iterator[str]:
        match event:
            case BookUpdate():
                yield from self._book_update(event)
            case Print():
                self._trades += 1
                number = self._trades
                item = AggTrade(number, event.at, event.price, event.lots, number, number, event.buyer_is_maker)
                yield self._wrap("aggTrade", frames.agg_trade(self._instrument, event.at, item))
            case Mark():
                yield self._wrap("markPrice@1s", frames.mark_price(self._instrument, event))
            case OpenInterest() if event.at >= self._open_interest_due:
                self._open_interest_due = event.at - event.at % _OPEN_INTEREST_MS + _OPEN_INTEREST_MS
                yield frames.open_interest(self._instrument, event.at, event.lots)
            case Liquidation():
                yield self._wrap("forceOrder", frames.force_order(self._instrument, event))
            case Snapshot():
                self._book.reset(event)
                self._previous, self._depth_due = event.update - 1, event.at + _DEPTH_MS
                self._first = event.update  # the first diff overlaps the snapshot, as the venue's rule wants it
                yield frames.depth_snapshot(
                    self._instrument, event.at, event.update, event.bids[:1000], event.asks[:1000]
                )
            case _:
                pass

    def _book_update(self, event: BookUpdate) -> Iterator[str]:
        self._first = self._first or event.update
        self._bids.update(event.bids)
        self._asks.update(event.asks)
        best = self._book.apply(event)
        if best != self._best:
            self._best = best
            yield self._wrap("bookTicker", frames.book_ticker(self._instrument, event.at, event.update, *best))
        if event.at >= self._depth_due:
            bids, asks = sorted(self._bids.items()), sorted(self._asks.items())
            payload = frames.depth_update(
                self._instrument,
                event.at,
                first=self._first,
                last=event.update,
                previous=self._previous,
                bids=bids,
                asks=asks,
            )
            yield self._wrap("depth@100ms", payload)
            self._bids.clear()
            self._asks.clear()
            self._first, self._previous, self._depth_due = 0, event.update, event.at + _DEPTH_MS

    def _wrap(self, kind: str, payload: str) -> str:
        return f"{self._prefix[kind]}{payload}}}"


class _Best:
    """Best level of each side under updates; cheap because a deleted best is rare and its successor is near."""

    def __init__(self) -> None:
        self._bids: dict[int, int] = {}
        self._asks: dict[int, int] = {}
        self._bid = self._ask = 0

    def reset(self, event: Snapshot) -> None:
        self._bids, self._asks = dict(event.bids), dict(event.asks)
        self._bid, self._ask = max(self._bids), min(self._asks)

    def apply(self, event: BookUpdate) -> tuple[tuple[int, int], tuple[int, int]]:
        bids, asks = self._bids, self._asks
        for price, lots in event.bids:
            if lots:
                bids[price] = lots
                self._bid = max(self._bid, price)
            else:
                bids.pop(price, None)
        for price, lots in event.asks:
            if lots:
                asks[price] = lots
                self._ask = min(self._ask, price)
            else:
                asks.pop(price, None)
        bid, ask = self._bid, self._ask
        while bid not in bids and bid > self._bid - _NEAR:
            bid -= 1
        while ask not in asks and ask < self._ask + _NEAR:
            ask += 1
        self._bid, self._ask = bid if bid in bids else max(bids), ask if ask in asks else min(asks)
        return (self._bid, bids[self._bid]), (self._ask, asks[self._ask])


def write(lines: Iterator[bytes], out: Path) -> tuple[int, int]:
    """Writes a reproducible .gz file (no name, no time in its header); returns (lines, bytes before compression)."""
    count = size = 0
    with out.open("wb") as raw, gzip.GzipFile(filename="", fileobj=raw, mode="wb", compresslevel=4, mtime=0) as file:
        buffer: list[bytes] = []
        for line in lines:
            buffer.append(line)
            if len(buffer) >= 4096:
                count, size = count + len(buffer), size + file.write(b"".join(buffer))
                buffer.clear()
        count, size = count + len(buffer), size + file.write(b"".join(buffer))
    return count, size


def run(args: argparse.Namespace) -> int:
    try:
        lines = record(
            args.seed,
            args.seconds,
            signal=args.signal,
            rate=args.rate,
            start_ms=START_MS if args.start_ms is None else args.start_ms,
            instrument=_instrument(args.symbol),
        )
        count, size = write(lines, args.out)
    except (ValueError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(f"{args.out}: {count} frames, {size / 2**20:.1f} MiB before compression\n")
    return 0


def _instrument(name: str) -> Instrument:
    if name not in INSTRUMENTS:
        raise ValueError(f"unknown symbol {name}; there are {', '.join(sorted(INSTRUMENTS))}")
    return INSTRUMENTS[name]


def main() -> int:
    parser = argparse.ArgumentParser(prog="tradefleet_sim.record", description="Record a generated market.")
    cli.add_record_arguments(parser)
    return run(parser.parse_args())


if __name__ == "__main__":
    sys.exit(main())

"""Sources of a training configuration as markets, with a digest of every byte that was read."""

import hashlib
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tradefleet_bot.venues.binance.recording import Recording, RecordingError, raw_lines
from tradefleet_models.market import NS, Market, observe
from tradefleet_models.train.config import ConfigError, Generated, Recorded, Source, TrainConfig

GENERATED_START_MS: Final = 1_704_067_200_000
"""2024-01-01T00:00:00Z. Generated markets are dated here, so that real recordings made later count as later."""
DATA_VARIABLE: Final = "TRADEFLEET_DATA"


@dataclass(frozen=True, slots=True)
class Data:
    """Unbroken runs of decisions of all sources, and the SHA-256 of the raw frames they came from."""

    markets: list[Market]
    digest: str


def gather(config: TrainConfig, shortest: int) -> Data:
    """Read every source; runs of fewer than `shortest` decisions are dropped.

    Raises ConfigError where a source cannot be read or gives no run that is long enough.
    """
    digest = hashlib.sha256()
    interval = int(config.interval_seconds * NS)
    markets: list[Market] = []
    for source in config.data:
        recording = Recording(_hashed(lines(source, config.symbol), digest), [config.symbol])
        try:
            found = observe(recording, config.symbol, config.features, interval, shortest)
        except RecordingError as error:
            raise ConfigError(str(error)) from error
        if not found:
            raise ConfigError(
                f"data source {source!r} has no {shortest} decisions in a row with all features: "
                "take a longer one, or features whose streams it has"
            )
        markets += found
    return Data(markets, digest.hexdigest())


def lines(source: Source, symbol: str) -> Iterator[bytes]:
    """The raw frames of a source, without line ends."""
    match source:
        case Generated():
            yield from generated(source.seed, source.seconds, source.signal, symbol, GENERATED_START_MS)
        case Recorded():
            yield from raw_lines(Path(os.environ.get(DATA_VARIABLE, ".")) / source.file)


def generated(seed: int, length: float, signal: float, symbol: str, start_ms: int) -> Iterator[bytes]:
    """A stretch of the simulator's generated market as raw frames; the simulator is needed only here."""
    from tradefleet_sim.instruments import INSTRUMENTS  # noqa: PLC0415 - recordings train without the simulator
    from tradefleet_sim.record import record  # noqa: PLC0415 - as above

    if symbol not in INSTRUMENTS:
        raise ConfigError(f"the simulator has no {symbol}; it has {', '.join(sorted(INSTRUMENTS))}")
    for line in record(seed, length, signal=signal, start_ms=start_ms, instrument=INSTRUMENTS[symbol]):
        yield line.rstrip(b"\n")


def _hashed(frames: Iterable[bytes], digest: "hashlib._Hash") -> Iterator[bytes]:
    for frame in frames:
        digest.update(frame + b"\n")
        yield frame

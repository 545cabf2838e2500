"""Cost of the features, on one core, events made beforehand. Run: `python benchmarks/features.py [RECORDING]`.

Figures: µs an event through a FeatureSet, by the number of features and by the kind of event, and µs a vector.
"""

import json
import os
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from tradefleet_bot.core.events import DepthDelta, DepthSnapshot, MarkPrice, Quote, Trade
from tradefleet_bot.core.features import REGISTRY, FeatureSet
from tradefleet_bot.venues.binance.recording import Recording, raw_lines

DATA = Path(os.environ.get("TRADEFLEET_DATA", Path(__file__).parents[2] / "shared" / "data"))
DEFAULT = DATA / "binance_usdm_btcusdt_20240808.raw.gz"
SYMBOL = "BTCUSDT"
DOZEN = (
    "return_1s", "return_5s", "return_20s", "volatility_5s", "volatility_20s", "zscore_20s", "atr_1s",
    "flow_imbalance_5s", "flow_imbalance_20s", "spread", "microprice_deviation", "book_imbalance_10",
)  # fmt: skip
REPEATS = 5


def best(run: Callable[[], object]) -> float:
    """Seconds of the fastest of several runs: the others measure the machine's other work."""
    times = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    return min(times)


def report(name: str, seconds: float, count: int, **run: Any) -> None:
    """Print one figure."""
    value = round(seconds / count * 1e6, 3)
    print(json.dumps({"name": name, "value": value, "unit": "us", **run, "repeats": REPEATS}), flush=True)


def fed(names: tuple[str, ...], events: list[Any]) -> FeatureSet:
    """A set that has seen the events."""
    features = FeatureSet(names, SYMBOL)
    update = features.update
    for event in events:
        update(event)
    return features


def main() -> int:
    """Print one JSON object a line; 1 where there is no recording to read."""
    path = Path(sys.argv[1]) if len(sys.argv) > 1 else DEFAULT
    if not path.exists():
        print(f"no recording at {path}: set TRADEFLEET_DATA or name one", file=sys.stderr)
        return 1
    kinds = (Quote, Trade, DepthDelta, DepthSnapshot, MarkPrice)
    events = [event for event in Recording(raw_lines(path), [SYMBOL]) if isinstance(event, kinds)]
    by_kind: dict[str, list[Any]] = defaultdict(list)
    for event in events:
        kind = "Depth" if isinstance(event, DepthSnapshot | DepthDelta) else type(event).__name__
        by_kind[kind].append(event)
    run = {"input": path.name, "events": len(events)}
    for names, label in ((DOZEN, "features_update"), (tuple(REGISTRY), "features_update_all")):
        report(label, best(lambda names=names: fed(names, events)), len(events), features=len(names), **run)
    for kind, found in by_kind.items():
        report(f"features_update.{kind}", best(lambda found=found: fed(DOZEN, found)), len(found), events=len(found))
    for names, label in ((DOZEN, "features_vector"), (tuple(REGISTRY), "features_vector_all")):
        features, out, at = fed(names, events), np.empty(len(names), np.float32), events[-1].at
        seconds = best(lambda features=features, out=out, at=at: [features.vector(at, out) for _ in range(1000)])
        report(label, seconds, 1000, features=len(names), missing=len(features.vector(at, out)))
    return 0


if __name__ == "__main__":
    sys.exit(main())

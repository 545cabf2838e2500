"""Cost of a decision, on one core. Run: `python benchmarks/inference.py [BUNDLE]`, default models/zoo/demo-v1.tar.

Figures: µs from a feature vector to a Decision (members, policy, reason), p50 and p99; ms to load and verify a bundle;
MiB that the process grew by when ONNX Runtime and the model were loaded.
"""

import json
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from tradefleet_api.bundle import read_bundle

DEFAULT = Path(__file__).parents[1] / "models/zoo/demo-v1.tar"
COUNT = 20_000


def report(name: str, value: float, unit: str, **run: Any) -> None:
    """Print one figure."""
    print(json.dumps({"name": name, "value": round(value, 3), "unit": unit, **run}), flush=True)


def main() -> int:
    """Print one JSON object a line; 1 where there is no bundle to read."""
    path = Path(sys.argv[1]) if len(sys.argv) > 1 else DEFAULT
    if not path.exists():
        print(f"no bundle at {path}: name one, or build the zoo with `make zoo`", file=sys.stderr)
        return 1
    bundle = read_bundle(path.read_bytes(), None)
    process = psutil.Process()
    empty = process.memory_info().rss

    from tradefleet_bot.core.decision import PortfolioView
    from tradefleet_bot.core.inference import load

    start = time.perf_counter()
    model = load(bundle)
    loaded = time.perf_counter()
    run = {"bundle": path.name, "features": len(model.features), "members": len(bundle.manifest.members)}
    report("model_load", (loaded - start) * 1e3, "ms", **run)
    report("model_rss", (process.memory_info().rss - empty) / 2**20, "MiB", process=process.memory_info().rss / 2**20)

    golden = json.loads(bundle.files[bundle.manifest.golden])["steps"]
    inputs = [np.array(step["features"], np.float32) for step in golden]
    state, mask = model.for_symbol(), (True,) * 6
    views = [PortfolioView(step["position"], step["unrealized"], step["holding"]) for step in golden]
    times = np.empty(COUNT)
    for number in range(COUNT):
        step = number % len(inputs)
        start = time.perf_counter()
        model.decide(state, inputs[step], (), views[step], mask)
        times[number] = time.perf_counter() - start
    for percentile in (50, 99):
        report(f"decision_p{percentile}", float(np.percentile(times, percentile)) * 1e6, "us", decisions=COUNT, **run)
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""The engine on one core, a deciding step and a replay: `python benchmarks/engine.py [BUNDLE] [RECORDING]`, JSON lines.

engine_step: the time `Engine.step` takes for an event that makes the bot decide, from the event to its commands
(without encoding, signing or sockets), over the decisions of the recording; stages: features, inference, risk (context,
checks, sizes, commands) of that same step. replay_events_per_s: raw bytes of the recording to commands, with the paper
venue in the loop; stages: decode (bytes to events), core (events to commands). The recording is the public BTCUSDT one
of 8 August 2024 (345 s), found through TRADEFLEET_DATA.
"""

import gc
import json
import os
import platform
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from tradefleet_api.botconfig import StaticOrders
from tradefleet_api.bundle import read_bundle
from tradefleet_api.tradingbot import Risk
from tradefleet_bot.core.commands import Place, Record
from tradefleet_bot.core.decision import Model
from tradefleet_bot.core.desk import Desk
from tradefleet_bot.core.directive import nanoseconds
from tradefleet_bot.core.engine import Engine
from tradefleet_bot.core.events import Event
from tradefleet_bot.core.features import FeatureSet
from tradefleet_bot.core.inference import load
from tradefleet_bot.core.paper import PaperConfig, PaperVenue
from tradefleet_bot.core.replay import with_orders
from tradefleet_bot.core.state import EngineConfig
from tradefleet_bot.venues.binance.recording import read

ROOT = Path(__file__).parents[1]
BUNDLE = ROOT / "models/zoo/demo-v1.tar"
RECORDING = (
    Path(os.environ.get("TRADEFLEET_DATA", ROOT.parent / "shared/data")) / "binance_usdm_btcusdt_20240808.raw.gz"
)
SYMBOL = "BTCUSDT"
ORDERS = StaticOrders(risk=Risk(max_trades_per_day=100_000, max_consecutive_losses=1_000, max_orders_per_minute=1_200))
ROUNDS = 3


def report(name: str, value: float, unit: str, **run: Any) -> None:
    """Print one figure."""
    run |= {"python": platform.python_version(), "cpus": os.cpu_count()}
    print(json.dumps({"name": name, "value": round(value, 3), "unit": unit, **run}), flush=True)


class Timed:
    """Wraps a method and keeps the time of its calls, µs, since the last `take`."""

    def __init__(self, call: Callable[..., Any]) -> None:
        self.call = call
        self.spent = 0.0

    def __call__(self, *args: Any) -> Any:
        start = time.perf_counter()
        try:
            return self.call(*args)
        finally:
            self.spent += time.perf_counter() - start

    def take(self) -> float:
        """µs since the last call of this."""
        spent, self.spent = self.spent, 0.0
        return spent * 1e6


def desk(model: Model, interval: int) -> Desk:
    """A fresh engine and paper venue."""
    return Desk(Engine(EngineConfig("bench", (SYMBOL,), interval), model, FeatureSet), PaperVenue(PaperConfig()))


def tick_to_order(events: list[Event], model: Model, interval: int) -> tuple[dict[str, list[float]], int]:
    """µs of each step that decided, by stage; and how many of them placed an order."""
    target = desk(model, interval)
    engine = target.engine
    features, decide = Timed(engine.state.symbols[SYMBOL].features.vector), Timed(model.decide)
    engine.state.symbols[SYMBOL].features.vector = features  # type: ignore[method-assign]  # measured from outside
    model.decide = decide  # type: ignore[method-assign]  # as above
    stages: dict[str, list[float]] = {"total": [], "features": [], "inference": [], "risk": []}
    placed = 0
    step = engine.step

    def timed(event: Event) -> Any:
        nonlocal placed
        features.take(), decide.take()
        start = time.perf_counter()
        commands = step(event)
        total = (time.perf_counter() - start) * 1e6
        if any(type(command) is Record and command.topic == "decision" for command in commands):
            spent = (total, feature := features.take(), inference := decide.take(), total - feature - inference)
            for stage, value in zip(stages, spent, strict=True):
                stages[stage].append(value)
            placed += any(type(command) is Place for command in commands)
        return commands

    engine.step = timed  # type: ignore[method-assign]  # as above
    for event in events:
        target.step(event)
    model.decide = decide.call  # type: ignore[method-assign]  # as it was
    return stages, placed


def main() -> int:
    """Print one JSON object a line; 1 where there is nothing to measure with."""
    bundle_path = Path(sys.argv[1]) if len(sys.argv) > 1 else BUNDLE
    recording = Path(sys.argv[2]) if len(sys.argv) > 2 else RECORDING
    for path, what in ((bundle_path, "bundle (make zoo builds it)"), (recording, "recording (TRADEFLEET_DATA)")):
        if not path.exists():
            print(f"no {what} at {path}", file=sys.stderr)
            return 1
    bundle = read_bundle(bundle_path.read_bytes(), None)
    model: Model = load(bundle)
    interval = nanoseconds(bundle.manifest.decision_interval)
    run = {"bundle": bundle_path.name, "recording": recording.name}

    start = time.perf_counter()
    market = list(read(recording, [SYMBOL]))
    decode = time.perf_counter() - start
    events = list(with_orders(market, [SYMBOL], ORDERS))
    gc.freeze()
    stages, placed = tick_to_order(events, model, interval)
    for stage, values in stages.items():
        suffix = "" if stage == "total" else f".{stage}"
        for percentile in (50, 99):
            value = float(np.percentile(values, percentile))
            report(f"engine_step_p{percentile}{suffix}", value, "us", decisions=len(values), placed=placed, **run)

    seconds = []
    for _ in range(ROUNDS):
        target = desk(model, interval)
        start = time.perf_counter()
        for event in events:
            target.step(event)
        seconds.append(time.perf_counter() - start)
    core, count = min(seconds), len(events)
    report("replay_events_per_s", count / (core + decode), "1/s", events=count, rounds=ROUNDS, **run)
    report("replay_events_per_s.decode", count / decode, "1/s", events=count, **run)
    report("replay_events_per_s.core", count / core, "1/s", events=count, rounds=ROUNDS, **run)
    return 0


if __name__ == "__main__":
    sys.exit(main())

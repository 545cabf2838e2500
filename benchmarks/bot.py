"""The bot's figures: memory, start, and a tick's way to signed order bytes. Run: `python benchmarks/bot.py`.

`bot_rss`, `bot_ready`: a real process on paper with the zoo's bundle, on a simulator of its own. `tick_to_order_*`: on
the recording, in one process, from the bytes of the frame whose event makes the bot decide to the bytes of the signed
order request; the whole chain runs with the zoo's models, and their answer is replaced by "open" or "close" where risk
allows it, so that there are orders to time.
"""

import contextlib
import hashlib
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).parents[1]
BUNDLE = ROOT / "models" / "zoo" / "demo-v1.tar"
DATA = Path(os.environ.get("TRADEFLEET_DATA", ROOT.parent / "shared" / "data"))
RECORDING = DATA / "binance_usdm_btcusdt_20240808.raw.gz"
TRADEFLEET = Path(sys.executable).parent / "tradefleet"
SETTLED = 20.0
INTERVAL = 250_000_000


def say(name: str, value: float, unit: str, **more: object) -> None:
    """One figure as a JSON line."""
    print(json.dumps({"name": name, "value": round(value, 3), "unit": unit, **more}), flush=True)


# -- a real process ----------------------------------------------------------------------------------------------------
def process() -> None:
    """Start simulator and bot; print when it was ready and what it holds a while after."""
    sim_port, bot_port = _free_port(), _free_port()
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        config = Path(folder) / "config.yaml"
        config.write_text(json.dumps(_configuration(folder, sim_port, bot_port)))
        _start(stack, "sim", "serve", "--port", str(sim_port))
        _await(f"http://127.0.0.1:{sim_port}/healthz")
        begun = time.monotonic()
        bot = _start(stack, "bot", "run", "--config", str(config))
        _await(f"http://127.0.0.1:{bot_port}/readiness")
        say("bot_ready", time.monotonic() - begun, "s", load=os.getloadavg()[0])
        time.sleep(SETTLED)
        pages = int(Path(f"/proc/{bot.pid}/statm").read_text().split()[1])
        say("bot_rss", pages * os.sysconf("SC_PAGE_SIZE") / 2**20, "MiB", after_s=SETTLED, symbols=1)
        ticks = Path(f"/proc/{bot.pid}/stat").read_text().rpartition(") ")[2].split()
        seconds = (int(ticks[11]) + int(ticks[12])) / os.sysconf("SC_CLK_TCK")
        say("bot_cpu", seconds, "s", of_s=round(time.monotonic() - begun, 1), note="start included")


def _configuration(folder: str, sim_port: int, bot_port: int) -> dict[str, Any]:
    digest = hashlib.sha256(BUNDLE.read_bytes()).hexdigest()
    host = f"127.0.0.1:{sim_port}"
    return {
        "bot": {"name": "bench"},
        "model": {"name": "demo-v1", "path": str(BUNDLE), "sha256": digest},
        "venue": {"type": "sim", "rest": f"http://{host}", "stream": f"ws://{host}"},
        "symbols": ["BTCUSDT"],
        "decisionInterval": "1s",
        "dataPath": f"{folder}/data",
        "httpPort": bot_port,
        "httpHost": "127.0.0.1",
        "orders": {"mode": "paper"},
    }


def _start(stack: contextlib.ExitStack, *arguments: str) -> "subprocess.Popen[bytes]":
    child = subprocess.Popen([str(TRADEFLEET), *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    stack.callback(child.wait)
    stack.callback(child.terminate)
    return child


def _await(url: str) -> None:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        with contextlib.suppress(urllib.error.URLError, OSError), urllib.request.urlopen(url, timeout=5) as reply:
            if reply.status == 200:
                return
        time.sleep(0.01)
    raise SystemExit(f"nothing answers at {url}")


def _free_port() -> int:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        return int(holder.getsockname()[1])


# -- tick to order -----------------------------------------------------------------------------------------------------
def tick_to_order() -> None:
    """Time every tick that leads to an order."""
    from tradefleet_api.botconfig import StaticOrders
    from tradefleet_api.bundle import read_bundle
    from tradefleet_api.tradingbot import Risk
    from tradefleet_bot.core.commands import Place
    from tradefleet_bot.core.decision import ACTIONS, Decision
    from tradefleet_bot.core.desk import Desk
    from tradefleet_bot.core.engine import Engine
    from tradefleet_bot.core.features import FeatureSet
    from tradefleet_bot.core.inference import load
    from tradefleet_bot.core.paper import PaperConfig, PaperVenue
    from tradefleet_bot.core.replay import with_orders
    from tradefleet_bot.core.state import EngineConfig
    from tradefleet_bot.venues.binance import rest
    from tradefleet_bot.venues.binance.auth import Credentials
    from tradefleet_bot.venues.binance.feed import Feed
    from tradefleet_bot.venues.binance.recording import raw_lines, read, split

    model: Any = load(read_bundle(BUNDLE.read_bytes(), None))

    class Eager:
        """The zoo's model with its answer replaced."""

        features, digest = model.features, model.digest

        def for_symbol(self) -> Any:
            return model.for_symbol()

        def decide(self, state: Any, vector: Any, missing: Any, view: Any, mask: Any) -> Decision:
            decision: Decision = model.decide(state, vector, missing, view, mask)
            for action in ("OPEN_LONG", "CLOSE"):
                if mask[ACTIONS.index(action)] and not missing:
                    return Decision(action, decision.score, decision.scores, "as the benchmark wants")
            return decision

    config = EngineConfig("bench", ("BTCUSDT",), INTERVAL)
    eager: Any = Eager()
    desk = Desk(Engine(config, eager, FeatureSet), PaperVenue(PaperConfig(wallet=Decimal(1_000_000))))
    risk = Risk(max_trades_per_day=100_000, max_orders_per_minute=1_200, max_consecutive_losses=1_000,
                max_daily_loss_ratio=1, max_drawdown_ratio=1)  # fmt: skip
    recording = read(RECORDING)
    events = with_orders(recording, ["BTCUSDT"], StaticOrders(risk=risk, capital_quote=1_000_000))
    for _ in range(3):  # instruments, orders from above, and the first event, whose time they carry
        desk.step(next(events))
    frames = [parts for parts in map(split, raw_lines(RECORDING)) if parts is not None]
    feed, offset = Feed(["BTCUSDT"]), recording.clock_offset
    credentials = Credentials("bench", "bench")
    samples: list[dict[str, float]] = []
    bytes_out = 0
    for at, frame in frames:
        start = time.perf_counter_ns()
        decoded = feed.frame(frame, at + offset)
        after_decode = time.perf_counter_ns()
        for event in decoded:
            steps = desk.step(event)
            after_engine = time.perf_counter_ns()
            orders = [c for c in steps[0][1] if isinstance(c, Place) and c.order.value.leg in {"entry", "exit"}]
            if orders:
                body = rest.place(orders[0].order.value).query(credentials, event.at // 1_000_000).encode()
                end = time.perf_counter_ns()
                samples.append({"decode": after_decode - start, "sign": end - after_engine, "": end - start})
                bytes_out += len(body)
                break
    assert bytes_out, "nothing was ordered: there is nothing to report"
    _report(samples)


def _report(samples: Sequence[dict[str, float]]) -> None:
    """`benchmarks/engine.py` prints the engine's own stages; these are the ends, and the whole chain."""
    for stage in ("", "decode", "sign"):
        values = [sample[stage] / 1000 for sample in samples]
        for name, value in (("p50", statistics.median(values)), ("p99", float(np.percentile(values, 99)))):
            say(f"tick_to_order_{name}.{stage}".rstrip("."), value, "us", orders=len(samples), load=os.getloadavg()[0])


def main() -> int:
    """Print what can be measured here; 1 where something is missing."""
    if not BUNDLE.exists():
        print(f"no bundle at {BUNDLE}: make zoo", file=sys.stderr)
        return 1
    if not RECORDING.exists():
        print(f"no recording at {RECORDING}: set TRADEFLEET_DATA to the folder that holds it", file=sys.stderr)
        return 1
    tick_to_order()
    process()
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Figures of the simulator, one JSON object a line: start-up, generator, engine, matching."""

import asyncio
import itertools
import json
import subprocess
import sys
import time

import numpy as np

from tradefleet_sim.binance.publisher import Publisher
from tradefleet_sim.engine.exchange import Exchange
from tradefleet_sim.engine.orders import Kind, NewOrder, Side
from tradefleet_sim.instruments import BTCUSDT
from tradefleet_sim.market.generator import MarketSpec, generate
from tradefleet_sim.record import record


def show(name: str, value: float, unit: str, **more: object) -> None:
    print(json.dumps({"name": name, "value": round(value, 3), "unit": unit, **more}), flush=True)


async def start_up() -> float:
    """Seconds from the command to its announcement that it listens."""
    code = "import argparse; from tradefleet_sim.cli import add_commands; p = argparse.ArgumentParser(); "
    code += "add_commands(p.add_subparsers()); a = p.parse_args(); raise SystemExit(a.run(a))"
    begin = time.perf_counter()
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", code, "sim", "serve", "--port", "0", "--json", stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    await process.stdout.readline()
    seconds = time.perf_counter() - begin
    process.terminate()
    await process.wait()
    return seconds


def frames_a_second(count: int) -> float:
    """Generated and encoded recording lines, without compression."""
    lines = record(1, 10**9)
    begin = time.perf_counter()
    for _ in itertools.islice(lines, count):
        pass
    return count / (time.perf_counter() - begin)


def events_a_second(count: int) -> float:
    """Market events through the exchange and the publisher, with the streams that a bot listens to."""
    exchange = Exchange([BTCUSDT])
    streams = {f"btcusdt@{name}" for name in ("bookTicker", "depth@100ms", "aggTrade", "markPrice@1s", "forceOrder")}
    publisher = Publisher(exchange.state.symbols["BTCUSDT"], streams.__contains__)
    events = list(itertools.islice(generate(np.random.default_rng(1), MarketSpec(), 0), count))
    begin = time.perf_counter()
    for event in events:
        exchange.market("BTCUSDT", event)
        for happened in exchange.drain():
            for _ in publisher.on(happened):
                pass
        for _ in publisher.advance(event.at):
            pass
    return count / (time.perf_counter() - begin)


def orders_a_second(count: int) -> float:
    """Market orders there and back: margin, matching, settlement."""
    exchange = Exchange([BTCUSDT])
    for event in itertools.islice(generate(np.random.default_rng(1), MarketSpec(), 0), 3):
        exchange.market("BTCUSDT", event)
    account = exchange.account("bench", 0)
    begin = time.perf_counter()
    for number in range(count):
        side = Side.SELL if number % 2 else Side.BUY
        exchange.place(account, NewOrder("BTCUSDT", side, Kind.MARKET, 1), number)
        exchange.drain()
    return count / (time.perf_counter() - begin)


if __name__ == "__main__":
    show("sim_start_up", min(asyncio.run(start_up()) for _ in range(3)), "s", best_of=3)
    show("sim_record_frames", frames_a_second(200_000), "1/s", frames=200_000)
    show("sim_market_events", events_a_second(100_000), "1/s", events=100_000)
    show("sim_orders", orders_a_second(1_000), "1/s", orders=1_000, kind="MARKET")

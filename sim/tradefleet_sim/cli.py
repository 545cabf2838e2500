"""The `sim` part of the command line. Heavy imports happen inside, so that `--help` stays quick."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tradefleet_sim.server import Config


def add_commands(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds `sim serve` and `sim record`; each sets `run(args) -> exit code`."""
    group = subparsers.add_parser("sim", help="the exchange simulator")
    commands = group.add_subparsers(dest="sim_command", required=True, metavar="COMMAND")
    serve = commands.add_parser("serve", help="serve an exchange until it is stopped")
    serve.add_argument("--host", default="127.0.0.1", help="address to listen on (127.0.0.1)")
    serve.add_argument("--port", type=int, default=9010, help="REST and WebSocket port; 0 takes a free one (9010)")
    serve.add_argument("--symbol", action="append", help="symbol to generate; may be given again (BTCUSDT)")
    serve.add_argument("--recording", type=Path, help="play this raw-frames .gz file instead of generating a market")
    serve.add_argument("--seed", type=int, default=1, help="of the generated market (1)")
    serve.add_argument("--speed", type=float, default=1.0, help="simulated seconds a second (1)")
    serve.add_argument("--signal", type=float, default=0.3, help="strength of what can be learned, 0 to 1 (0.3)")
    serve.add_argument("--rate", type=float, default=60.0, help="mean market events a second and symbol (60)")
    serve.add_argument("--balance", default="10000", help="USDT that a new account finds (10000)")
    serve.add_argument("--state", type=Path, help="keep accounts, orders and positions in this file over restarts")
    serve.add_argument("--json", action="store_true", help="say where it listens as one JSON line")
    serve.set_defaults(run=_serve)
    record = commands.add_parser("record", help="write a generated market as raw frames, as fast as it goes")
    add_record_arguments(record)
    record.set_defaults(run=_record)


def add_record_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--seed", type=int, required=True, help="same seed, same bytes")
    parser.add_argument("--seconds", type=float, required=True, help="length in market time")
    parser.add_argument("--out", type=Path, required=True, help="the .gz file to write")
    parser.add_argument("--signal", type=float, default=0.3, help="strength of what can be learned, 0 to 1 (0.3)")
    parser.add_argument("--rate", type=float, default=60.0, help="mean market events a second (60)")
    parser.add_argument("--start-ms", type=int, help="event time of the first frame, ms of the epoch")
    parser.add_argument("--symbol", default="BTCUSDT", help="BTCUSDT or ETHUSDT (BTCUSDT)")


def _record(args: argparse.Namespace) -> int:
    from tradefleet_sim import record  # noqa: PLC0415 - numpy, only when asked for

    return record.run(args)


def _serve(args: argparse.Namespace) -> int:
    import asyncio  # noqa: PLC0415 - aiohttp and numpy, only when asked for

    from tradefleet_sim.market.replay import RecordingError  # noqa: PLC0415
    from tradefleet_sim.vault import VaultError  # noqa: PLC0415

    try:
        config = _config(args)
    except ValueError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    try:
        asyncio.run(_run(config, as_json=args.json))
    except (RecordingError, VaultError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


def _config(args: argparse.Namespace) -> Config:
    """Raises ValueError with one sentence for values out of range."""
    from decimal import Decimal, InvalidOperation  # noqa: PLC0415 - with the server

    from tradefleet_sim.instruments import INSTRUMENTS  # noqa: PLC0415
    from tradefleet_sim.market.generator import MarketSpec  # noqa: PLC0415
    from tradefleet_sim.server import Config  # noqa: PLC0415

    symbols = tuple(args.symbol or ["BTCUSDT"])
    if unknown := [name for name in symbols if name not in INSTRUMENTS]:
        raise ValueError(f"unknown symbol {unknown[0]}; there are {', '.join(sorted(INSTRUMENTS))}")
    if not 0 <= args.port <= 65535:
        raise ValueError(f"port must be between 0 and 65535, not {args.port}")
    if not 0 < args.speed <= 10_000:
        raise ValueError(f"speed must be above 0 and at most 10000, not {args.speed}")
    MarketSpec(rate=args.rate, signal=args.signal)
    try:
        balance = Decimal(args.balance)
    except InvalidOperation:
        raise ValueError(f"balance must be a decimal number, not {args.balance!r}") from None
    if not (balance.is_finite() and 0 <= balance <= 10**12):
        raise ValueError(f"balance must be between 0 and 10^12 USDT, not {args.balance}")
    return Config(
        host=args.host,
        port=args.port,
        symbols=tuple(dict.fromkeys(symbols)),
        recording=args.recording,
        seed=args.seed,
        speed=args.speed,
        signal=args.signal,
        rate=args.rate,
        balance=balance,
        state=args.state,
    )


async def _run(config: Config, *, as_json: bool) -> None:
    import asyncio  # noqa: PLC0415 - with the server
    import signal  # noqa: PLC0415

    from tradefleet_sim.server import Simulator  # noqa: PLC0415

    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with Simulator(config) as simulator:
        sys.stdout.write(_announcement(simulator, as_json=as_json) + "\n")
        sys.stdout.flush()
        stopped, broken = asyncio.create_task(stop.wait()), asyncio.create_task(simulator.wait())
        await asyncio.wait([stopped, broken], return_when=asyncio.FIRST_COMPLETED)
        stopped.cancel()
        if broken.done():
            await broken
        broken.cancel()


def _announcement(simulator: Any, *, as_json: bool) -> str:
    stream = simulator.url.replace("http", "ws", 1)
    if as_json:
        return json.dumps({"rest": simulator.url, "stream": stream, "port": simulator.port, "absent": simulator.absent})
    missing = f"; this market has no {', '.join(simulator.absent)}" if simulator.absent else ""
    return f"simulator: REST {simulator.url}/fapi/v1, streams {stream}/public|market|private{missing}"

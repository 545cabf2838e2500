"""The `bot` part of the command line. Heavy imports happen inside, so that `--help` stays quick."""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tradefleet_api.bundle import Bundle
    from tradefleet_bot.core.decision import Model


def add_commands(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add `bot run` and `bot replay`; each sets `run(args) -> exit code`."""
    group = subparsers.add_parser("bot", help="one trading bot: run it, replay it")
    commands = group.add_subparsers(dest="bot_command", required=True, metavar="COMMAND")
    run = commands.add_parser("run", help="run a bot until it is stopped")
    run.add_argument("--config", type=Path, required=True, help="configuration file (YAML, see BotConfig)")
    run.set_defaults(run=_run)
    replay = commands.add_parser("replay", help="run recorded events through the engine again")
    replay.add_argument(
        "source", type=Path, metavar="JOURNAL-OR-RECORDING", help="a journal (file or run folder) or raw frames"
    )
    replay.add_argument("--bundle", type=Path, required=True, help="the model's bundle")
    replay.add_argument("--symbol", help="symbol to trade in a recording (its only one)")
    replay.add_argument("--digest", action="store_true", help="print only the SHA-256 of the command stream")
    replay.add_argument("--json", action="store_true", help="print the outcome as JSON")
    replay.set_defaults(run=_replay)


def _run(args: argparse.Namespace) -> int:
    import asyncio  # noqa: PLC0415 - everything below is for a process that runs, not for `--help`
    import os  # noqa: PLC0415
    import random  # noqa: PLC0415

    from tradefleet_bot.shell import logs  # noqa: PLC0415
    from tradefleet_bot.shell.config import load  # noqa: PLC0415
    from tradefleet_bot.shell.kube import Api  # noqa: PLC0415
    from tradefleet_bot.shell.process import Process  # noqa: PLC0415

    config = load(args.config)
    logs.configure(namespace=config.bot.namespace, bot=config.bot.name, arm=config.bot.arm, model=config.model.name)

    async def main() -> int:
        uniform = random.SystemRandom().uniform
        return await Process(config, load_model, uniform, Api.in_cluster(os.environ)).run()

    return asyncio.run(main())


def _replay(args: argparse.Namespace) -> int:
    import json  # noqa: PLC0415 - as above

    from tradefleet_bot.shell.replay import replay  # noqa: PLC0415

    outcome = replay(args.source, args.bundle, args.symbol, load_model)
    if args.digest:
        sys.stdout.write(f"{outcome.digest}\n")
    elif args.json:
        sys.stdout.write(json.dumps(outcome.facts()) + "\n")
    else:
        sys.stdout.write(f"{outcome}\n")
    if outcome.difference is not None:
        sys.stderr.write(f"{outcome.difference}\n")
        return 1
    return 0


def load_model(bundle: "Bundle") -> "Model":
    """The model of a bundle on ONNX Runtime. Raises BundleError."""
    from tradefleet_bot.core.inference import load  # noqa: PLC0415 - ONNX Runtime

    return load(bundle)

"""`tradefleet operator`: the operator's process."""

import argparse
import asyncio
from pathlib import Path
from typing import Protocol


class Subparsers(Protocol):
    """argparse's subparsers action, whose own class is private."""

    def add_parser(self, name: str, *, help: str | None = None) -> argparse.ArgumentParser:  # noqa: A002 - argparse's name
        """Add a group of commands."""
        ...


def add_commands(subparsers: Subparsers) -> None:
    """Add the group `operator`."""
    group = subparsers.add_parser("operator", help="run the operator")
    commands = group.add_subparsers(title="commands", metavar="COMMAND", required=True)
    command = commands.add_parser("run", help="watch TradingBots and ModelVersions and bring the cluster to them")
    command.add_argument("--kubeconfig", type=Path, help="file to log in with; default: the pod's ServiceAccount")
    command.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Run until told to stop; what it needs to know is in the environment, as the chart sets it."""
    from tradefleet_operator.kube.connection import connect  # noqa: PLC0415 - `--help` needs no cluster libraries
    from tradefleet_operator.logs import configure  # noqa: PLC0415
    from tradefleet_operator.runtime import Operator  # noqa: PLC0415
    from tradefleet_operator.settings import Settings  # noqa: PLC0415

    settings = Settings.from_environment()
    configure()
    return asyncio.run(Operator(settings, connect(args.kubeconfig)).run())

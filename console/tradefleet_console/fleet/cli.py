"""`tradefleet status`: the fleet in the terminal, once or live."""

import argparse
import json
import os
import signal
import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from tradefleet_console.cli import Subparsers

if TYPE_CHECKING:
    from tradefleet_console.fleet.api import Api

_CLEAR = "\033[H\033[J"


def add_commands(groups: Subparsers) -> None:
    """Add `tradefleet status`."""
    command = groups.add_parser("status", help="show the fleet: phases, equity, positions, orders, last decisions")
    command.add_argument("-n", "--namespace", help="only this namespace (default: all)")
    command.add_argument("--context", help="context of the kubeconfig (default: the current one)")
    command.add_argument("--json", action="store_true", help="for programs: one array, with each bot's whole report")
    command.add_argument("-w", "--watch", action="store_true", help="again and again, until Ctrl-C")
    command.add_argument(
        "--interval", type=_positive, default=2.0, metavar="S", help="seconds between looks (default: 2)"
    )
    command.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Show the fleet once, or for ever; a look that fails does not end a watch."""
    from tradefleet_api.refusal import RefusedError
    from tradefleet_console.fleet.api import connected

    show = _shower(args)
    if args.watch:
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that kubectl goes too
    with connected(args.context) as api:
        if not args.watch:
            print(show(api))
            return 0
        terminal = sys.stdout.isatty() and not args.json
        while True:
            try:
                picture = show(api)
            except RefusedError as error:
                print(f"tradefleet: {error}", file=sys.stderr)
            else:
                print(f"{_CLEAR if terminal else ''}{picture}{'' if terminal or args.json else chr(10)}", flush=True)
            time.sleep(args.interval)


def _shower(args: argparse.Namespace) -> "Callable[[Api], str]":
    from tradefleet_console.fleet.render import render
    from tradefleet_console.fleet.view import observe

    colour = sys.stdout.isatty() and "NO_COLOR" not in os.environ

    def show(api: "Api") -> str:
        bots = observe(api, args.namespace)
        return json.dumps([bot.to_wire() for bot in bots]) if args.json else render(bots, colour)

    return show


def _positive(text: str) -> float:
    value = float(text)
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError("must be more than 0")
    return value

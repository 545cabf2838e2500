"""The `tradefleet` command line: a frame that each part hangs its own commands on.

A part's `cli` module is imported only when its group is asked for, or for the list that `--help` prints; an image that
lacks a part's dependencies still runs the others. Exit codes: 0 done, 1 refused or failed with one sentence on
stderr, 2 wrong usage.
"""

import argparse
import importlib
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import version
from types import ModuleType
from typing import Final, Protocol

Run = Callable[[argparse.Namespace], int]
INTERRUPTED: Final = 130

PARTS: Final[Mapping[str, str]] = {
    "sim": "tradefleet_sim.cli",
    "bot": "tradefleet_bot.shell.cli",
    "models": "tradefleet_models.cli",
    "operator": "tradefleet_operator.cli",
    "status": "tradefleet_console.fleet.cli",
    "crds": "tradefleet_console.crds",
}
"""Command group → the module whose `add_commands` makes it."""


class Subparsers(Protocol):
    """What `add_commands` gets: argparse's subparsers action, whose own class is private."""

    def add_parser(self, name: str, *, help: str | None = None) -> argparse.ArgumentParser:  # noqa: A002 - argparse's name
        """Add a group of commands."""
        ...


class PartAbsentError(Exception):
    """A part is not in this installation; `str()` says what is missing."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code; wrong usage raises SystemExit(2), as argparse does."""
    args = list(sys.argv[1:] if argv is None else argv)
    try:
        namespace = _parser(args[0] if args else None).parse_args(args)
        run: Run = namespace.run
        code = run(namespace)
        sys.stdout.flush()
        return code
    except PartAbsentError as absent:
        return _failed(str(absent))
    except ModuleNotFoundError as error:
        if error.name is None or error.name.startswith("tradefleet_"):
            raise  # ours: a bug, not an installation without some extra
        return _failed(f"`tradefleet {' '.join(args[:2])}` is not in this installation: it lacks {error.name}")
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:  # the reader, such as `head`, has seen enough; Python would complain once more at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:
        from tradefleet_api.refusal import RefusedError

        if isinstance(error, RefusedError):
            return _failed(str(error))
        raise


def load(group: str) -> ModuleType:
    """The `cli` module of a part.

    Raises PartAbsentError, with a sentence, where the part or a library it needs is not installed.
    """
    name = PARTS[group]
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        missing = error.name or name
        raise PartAbsentError(f"`tradefleet {group}` is not in this installation: it lacks {missing}") from error


def _parser(asked: str | None) -> argparse.ArgumentParser:
    """The parser with the one group that was asked for, or, for anything else, with all that are there."""
    parser = argparse.ArgumentParser(prog="tradefleet", description="Trading bots as Kubernetes resources.")
    parser.add_argument("--version", action="version", version=f"tradefleet {version('tradefleet')}")
    groups = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    if asked is not None and asked in PARTS:
        load(asked).add_commands(groups)
        return parser
    for group in PARTS:
        try:
            load(group).add_commands(groups)
        except PartAbsentError:
            continue
    return parser


def _failed(message: str) -> int:
    print(f"tradefleet: {message}", file=sys.stderr)
    return 1

"""Refusals: how every part says no, in one sentence that names what to change.

The command line prints a `RefusedError` on stderr and exits 1: a command raises one instead of printing it.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pydantic import ValidationError  # every command line imports this module: it must stay light


class RefusedError(Exception):
    """The input, or the world, does not allow what was asked; `str()` is one sentence for people."""


def sentence(error: "ValidationError") -> str:
    """The first fault of a validation error in one line: `field.path: what is wrong`.

    Further faults are counted, not listed: mending one often mends the rest.
    """
    faults = error.errors(include_url=False, include_context=False, include_input=False)
    first = faults[0]
    where = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in first["loc"]).lstrip(".")
    more = f" (and {len(faults) - 1} more)" if len(faults) > 1 else ""
    what = " ".join(first["msg"].removeprefix("Value error, ").split())
    return f"{where}: {what}{more}" if where else f"{what}{more}"

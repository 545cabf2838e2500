"""Latches: controls that stay tripped, across restarts, until a person re-arms them (tradefleet.dev/rearm)."""

from collections.abc import Iterable
from typing import Final

from tradefleet_bot.core.carry import Latch

UNTIL_MIDNIGHT: Final = frozenset({"daily_loss"})
"""These re-arm themselves at the next UTC day."""


class Latches:
    """By name; a latch that is already tripped keeps its first reason."""

    def __init__(self, tripped: Iterable[Latch] = ()) -> None:
        self._tripped = {latch.name: latch for latch in tripped}

    def trip(self, name: str, reason: str, at: int) -> bool:
        """True when it was not tripped before."""
        if name in self._tripped:
            return False
        self._tripped[name] = Latch(name, reason, at)
        return True

    def rearm(self) -> tuple[str, ...]:
        """Clear all; gives the names that were tripped."""
        names = tuple(self._tripped)
        self._tripped.clear()
        return names

    def new_day(self) -> None:
        """Clear those that hold for a day."""
        for name in UNTIL_MIDNIGHT & self._tripped.keys():
            del self._tripped[name]

    @property
    def tripped(self) -> tuple[Latch, ...]:
        return tuple(self._tripped.values())

    @property
    def first(self) -> str | None:
        """The first one in words."""
        for latch in self._tripped.values():
            return f"{latch.name}: {latch.reason}"
        return None

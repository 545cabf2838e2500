"""Leader election on a Lease, decided by a pure function; the same rules as client-go's, at this project's times.

Whoever holds the Lease and keeps renewing it leads. Others wait until they have seen it unchanged for its whole
duration on their own monotonic clock: clocks of machines are never compared.
"""

from dataclasses import dataclass
from typing import Final, Literal

LEASE: Final = 8.0
"""Seconds for which a record that nobody renews is respected."""
RENEW: Final = 5.0
"""Seconds after which a leader that could not renew stops leading: before anybody else may start."""
RETRY: Final = 1.0
"""Seconds between two tries."""


@dataclass(frozen=True)
class Record:
    """The Lease as it was read; `holder` is empty after a clean release."""

    holder: str
    transitions: int
    version: str
    """`metadata.resourceVersion`: changes with every renewal."""


@dataclass(frozen=True)
class Seen:
    """The last record, and when it was first seen so, on the monotonic clock (seconds)."""

    record: Record | None
    at: float


@dataclass(frozen=True)
class Move:
    """What to do with the Lease now, and the number of transitions to write."""

    kind: Literal["create", "take", "renew", "wait"]
    transitions: int = 0


def look(seen: Seen | None, record: Record | None, now: float) -> Seen:
    """What is known after reading the Lease; the time moves only when the record did."""
    return seen if seen is not None and seen.record == record else Seen(record, now)


def decide(seen: Seen, me: str, now: float) -> Move:
    """The next move of the replica called `me`.

    >>> decide(Seen(None, 0.0), "a", 0.0).kind
    'create'
    >>> decide(Seen(Record("b", 3, "7"), at=0.0), "a", 7.9).kind
    'wait'
    >>> decide(Seen(Record("b", 3, "7"), at=0.0), "a", 8.0)
    Move(kind='take', transitions=4)
    """
    record = seen.record
    if record is None:
        return Move("create")
    if record.holder == me:
        return Move("renew", record.transitions)
    if not record.holder or now - seen.at >= LEASE:
        return Move("take", record.transitions + 1)
    return Move("wait")


def lost(renewed_at: float, now: float) -> bool:
    """Whether a leader must stop, having renewed last at this time.

    >>> lost(0.0, 4.9), lost(0.0, 5.0)
    (False, True)
    """
    return now - renewed_at >= RENEW

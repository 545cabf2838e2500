"""Faults on order: what goes wrong, for how long or how often, and how likely. Seeded, so a run can be repeated.

Times are wall seconds: clients' timeouts and back-offs are wall time too.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, Final

import numpy as np


class FaultKind(StrEnum):
    DROP = "drop"  # all sockets are cut now
    REFUSE = "refuse"  # connections are reset before a reply
    DELAY = "delay"  # replies of the REST API come late
    LOSE_REPLY = "lose_reply"  # the next orders are accepted, and the connection closes without a reply
    SKEW = "skew"  # the venue's clock is off: -1021 for whoever does not notice
    SILENCE = "silence"  # streams stay open and say nothing


@dataclass(frozen=True, slots=True)
class Fault:
    """`seconds` long or `count` times (whichever the kind uses), each time with `probability`.

    `milliseconds`: how long to delay, or how far the clock is off. `stream`: a stream's name or its beginning; empty
    means all.
    """

    kind: FaultKind
    seconds: float = 10.0
    count: int = 1
    milliseconds: int = 0
    probability: float = 1.0
    stream: str = ""
    seed: int = 0


_NUMBERS: Final = {
    "seconds": (0.0, 86_400.0),
    "count": (1, 1_000_000),
    "milliseconds": (-86_400_000, 86_400_000),
    "probability": (0.0, 1.0),
    "seed": (0, 2**63),
}


def parse(body: object) -> Fault:
    """A Fault of a JSON object. Raises ValueError with one sentence."""
    if not isinstance(body, Mapping):
        raise ValueError("a fault is a JSON object with at least a `kind`")
    unknown = set(body) - set(Fault.__dataclass_fields__)
    if unknown:
        known = ", ".join(Fault.__dataclass_fields__)
        raise ValueError(f"unknown field {min(map(str, unknown))!r}; a fault has {known}")
    if body.get("kind") not in list(FaultKind):
        raise ValueError(f"kind must be one of {', '.join(FaultKind)}")
    values: dict[str, Any] = {"kind": FaultKind(body["kind"])}
    for name, (least, most) in _NUMBERS.items():
        if name in body:
            value = body[name]
            whole = isinstance(least, int)
            if isinstance(value, bool) or not isinstance(value, int if whole else int | float):
                raise ValueError(f"{name} must be a{' whole' if whole else ''} number")
            if not least <= value <= most:
                raise ValueError(f"{name} must be between {least} and {most}")
            values[name] = value
    if "stream" in body:
        if not isinstance(body["stream"], str):
            raise ValueError("stream must be a string")
        values["stream"] = body["stream"]
    return Fault(**values)


@dataclass(slots=True)
class _Running:
    fault: Fault
    until: float
    left: int
    rng: np.random.Generator


class Faults:
    """The faults in force. `now` is any monotonic clock in seconds. A `drop` is done by whoever holds the sockets."""

    def __init__(self) -> None:
        self._running: list[_Running] = []

    def add(self, fault: Fault, now: float) -> None:
        if fault.kind is not FaultKind.DROP:
            rng = np.random.default_rng(fault.seed)
            self._running.append(_Running(fault, now + fault.seconds, fault.count, rng))

    def clear(self) -> None:
        self._running.clear()

    def listed(self, now: float) -> list[dict[str, Any]]:
        return [asdict(item.fault) | {"remaining": item.until - now, "left": item.left} for item in self._active(now)]

    def refuses(self, now: float) -> bool:
        return any(self._hits(item) for item in self._of(FaultKind.REFUSE, now))

    def delay(self, now: float) -> float:
        """Seconds."""
        return sum(item.fault.milliseconds for item in self._of(FaultKind.DELAY, now) if self._hits(item)) / 1000

    def loses_reply(self, now: float) -> bool:
        """Asked once for each accepted order."""
        for item in self._of(FaultKind.LOSE_REPLY, now):
            if item.left > 0 and self._hits(item):
                item.left -= 1
                return True
        return False

    def skew(self, now: float) -> int:
        """Milliseconds that the venue's clock is ahead."""
        return sum(item.fault.milliseconds for item in self._of(FaultKind.SKEW, now))

    def silences(self, stream: str, now: float) -> bool:
        if not self._running:
            return False
        return any(stream.startswith(item.fault.stream) for item in self._of(FaultKind.SILENCE, now))

    def _of(self, kind: FaultKind, now: float) -> list[_Running]:
        return [item for item in self._active(now) if item.fault.kind is kind]

    def _active(self, now: float) -> list[_Running]:
        self._running = [item for item in self._running if now < item.until and item.left > 0]
        return self._running

    @staticmethod
    def _hits(item: _Running) -> bool:
        probability = item.fault.probability
        return probability >= 1 or item.rng.random() < probability

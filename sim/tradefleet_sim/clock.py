"""The simulator's time: starts at the wall clock's now and runs `speed` times as fast. Never goes back."""

from __future__ import annotations

from collections.abc import Callable


class Clock:
    """Milliseconds of the epoch. `monotonic` gives seconds."""

    def __init__(self, start_ms: int, speed: float, monotonic: Callable[[], float]) -> None:
        self._monotonic, self._speed = monotonic, speed
        self._base, self._since = float(start_ms), monotonic()
        self._last = start_ms

    def now(self) -> int:
        elapsed = (self._monotonic() - self._since) * 1000 * self._speed
        self._last = max(self._last, int(self._base + elapsed))
        return self._last

    def seconds_until(self, at: int) -> float:
        """Wall seconds until the simulated time `at`; negative when it is past."""
        return (at - self.now()) / 1000 / self._speed

    def hold(self, at: int) -> None:
        """The market cannot keep up: time goes on from `at` (or stands, where it was already later)."""
        self._base, self._since = float(at), self._monotonic()

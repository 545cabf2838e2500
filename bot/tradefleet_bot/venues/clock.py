"""The venue's time, estimated from its clock with bounds, on top of the local monotonic clock.

Each sample says: between sending (m0) and receiving (m1) the venue's clock showed `server`. So venue time minus
monotonic time lies within [server - m1, server - m0] (Cristian's algorithm); samples are intersected, which narrows the
bounds, and the interval widens with age for drift. A sample outside the interval means that a clock was stepped, and
starts anew.
"""

from collections.abc import Callable
from typing import Final

DRIFT: Final = 100e-6
"""Assumed worst drift between two computer clocks, as a ratio."""
RESOLUTION: Final = 1_000_000
"""The venue's time has whole milliseconds: the true one is up to this much (ns) later."""


class VenueClock:
    """Venue time in nanoseconds since the epoch; never goes backwards.

    `monotonic` and `wall` return nanoseconds; the wall clock is used only until the first sample.
    """

    def __init__(self, monotonic: Callable[[], int], wall: Callable[[], int]) -> None:
        self._monotonic = monotonic
        self._wall = wall
        self._low = self._high = wall() - monotonic()
        self._measured: int | None = None  # monotonic time of the last sample
        self._last = 0

    def now(self) -> int:
        """The estimate; before the first sample, the local wall clock."""
        self._last = max(self._last, self._monotonic() + (self._low + self._high) // 2)
        return self._last

    def sample(self, sent: int, received: int, server_ms: int) -> None:
        """Take in one reply of the venue's time endpoint; `sent` and `received` are monotonic ns."""
        server = server_ms * 1_000_000
        low, high = server - received, server - sent + RESOLUTION
        if self._measured is not None:
            slack = int((received - self._measured) * DRIFT)
            joint_low, joint_high = max(low, self._low - slack), min(high, self._high + slack)
            if joint_low <= joint_high:
                low, high = joint_low, joint_high
        self._low, self._high, self._measured = low, high, received

    @property
    def error(self) -> int | None:
        """Half the width of the bounds, ns; None before the first sample."""
        return None if self._measured is None else (self._high - self._low) // 2

    @property
    def offset(self) -> int:
        """Venue time minus local wall time, ns."""
        return self._monotonic() + (self._low + self._high) // 2 - self._wall()

"""Rate budgets: what the venue says has been used, what is on its way, and whether one more request fits.

The venue counts request weight a minute and IP, and orders a 10 s and a minute and account, in windows of wall time;
each reply carries the counts (X-MBX-USED-WEIGHT-1M, X-MBX-ORDER-COUNT-10S, X-MBX-ORDER-COUNT-1M).
"""

from collections.abc import Mapping
from typing import Final

from msgspec import Struct

from tradefleet_bot.venues.binance.errors import Failure
from tradefleet_bot.venues.binance.rest import Request

NS: Final = 1_000_000_000
RESERVE: Final = 0.2
"""Share of each budget kept for requests that lower risk."""


class Budget(Struct):
    """Uses in windows of `length` ns of venue time, at most `limit` each."""

    limit: int
    length: int
    used: int = 0
    window: int = -1

    def wait(self, cost: int, at: int, urgent: bool) -> int:
        """Nanoseconds until `cost` more fits; 0: now."""
        window = at // self.length
        used = self.used if window == self.window else 0
        allowed = self.limit if urgent else self.limit * (1 - RESERVE)
        return 0 if used + cost <= allowed else (window + 1) * self.length - at

    def spend(self, cost: int, at: int) -> None:
        """Count what is being sent."""
        window = at // self.length
        if window != self.window:
            self.window, self.used = window, 0
        self.used += cost

    def observe(self, used: int, at: int) -> None:
        """The venue's own count, which knows of other users of the IP; replies may come out of order."""
        window = at // self.length
        self.used = max(used, self.used) if window == self.window else used
        self.window = window


class RateLimits:
    """All budgets of one account behind one IP; defaults are the venue's published ones."""

    def __init__(self, weight: int = 2_400, orders_10s: int = 300, orders_1m: int = 1_200) -> None:
        self.weight = Budget(weight, 60 * NS)
        self.orders_10s = Budget(orders_10s, 10 * NS)
        self.orders_1m = Budget(orders_1m, 60 * NS)
        self.blocked_until = 0
        """Venue time until which the venue wants no request at all (429, 418)."""

    def wait(self, request: Request, at: int) -> int:
        """Nanoseconds before the request may be sent at venue time `at`; 0: now."""
        wait = max(0, self.blocked_until - at, self.weight.wait(request.weight, at, request.urgent))
        if request.orders:
            wait = max(
                wait,
                self.orders_10s.wait(request.orders, at, request.urgent),
                self.orders_1m.wait(request.orders, at, request.urgent),
            )
        return wait

    def sent(self, request: Request, at: int) -> None:
        """Count a request on its way."""
        self.weight.spend(request.weight, at)
        if request.orders:
            self.orders_10s.spend(request.orders, at)
            self.orders_1m.spend(request.orders, at)

    def replied(self, headers: Mapping[str, str], at: int) -> None:
        """Take in the counts of a reply; rejected orders may lack them."""
        for name, budget in (
            ("X-MBX-USED-WEIGHT-1M", self.weight),
            ("X-MBX-ORDER-COUNT-10S", self.orders_10s),
            ("X-MBX-ORDER-COUNT-1M", self.orders_1m),
        ):
            value = headers.get(name, "")
            if value.isdigit() and len(value) < 10:
                budget.observe(int(value), at)

    def refused(self, status: int, failure: Failure, at: int) -> None:
        """A 429, 418 or 403 closes everything for the time it names."""
        if status in {403, 418, 429}:
            self.blocked_until = max(self.blocked_until, at + failure.retry_after)

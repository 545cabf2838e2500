"""Request weight per address and order count per account, with the venue's 429 and then 418."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from tradefleet_sim.binance.errors import ApiError

WEIGHT_A_MINUTE: Final = 2400
ORDERS_A_MINUTE: Final = 1200
ORDERS_TEN_SECONDS: Final = 300
_PATIENCE = 100  # requests over the limit before the address is banned
_BAN_MS = 120_000
_MOST = 50_000  # addresses and accounts remembered


@dataclass(slots=True)
class _Window:
    length: int
    begin: int = 0
    used: int = 0

    def add(self, amount: int, now: int) -> int:
        if now - self.begin >= self.length or now < self.begin:
            self.begin, self.used = now - now % self.length, 0
        self.used += amount
        return self.used


@dataclass(slots=True)
class _Address:
    weight: _Window = field(default_factory=lambda: _Window(60_000))
    over: int = 0
    banned_until: int = 0


@dataclass(slots=True)
class Limits:
    """Counts in the simulator's time, so that a market at ten times the speed allows ten times the requests."""

    weight_limit: int = WEIGHT_A_MINUTE
    _addresses: dict[str, _Address] = field(default_factory=dict)
    _orders: dict[str, tuple[_Window, _Window]] = field(default_factory=dict)

    def request(self, address: str, weight: int, now: int) -> int:
        """Counts a request; returns the weight used this minute."""
        if len(self._addresses) > _MOST:
            self._addresses.clear()
        entry = self._addresses.setdefault(address, _Address())
        if now < entry.banned_until:
            raise ApiError(
                -1003,
                f"Way too many requests; IP({address}) banned until {entry.banned_until}. "
                "Please use the websocket for live updates to avoid bans.",
                status=418,
                retry_after=-(-(entry.banned_until - now) // 1000),
            )
        used = entry.weight.add(weight, now)
        if used <= self.weight_limit:
            entry.over = 0
            return used
        entry.over += 1
        if entry.over > _PATIENCE:
            entry.banned_until, entry.over = now + _BAN_MS, 0
        raise ApiError(
            -1003,
            f"Too many requests; current limit of IP({address}) is {self.weight_limit} requests per minute. "
            "Please use the websocket for live updates to avoid polling the API.",
            status=429,
            retry_after=-(-(entry.weight.begin + 60_000 - now) // 1000),
        )

    def orders(self, account: str, now: int, *, ten_seconds: int = 1, minute: int = 1) -> tuple[int, int]:
        """Counts orders; returns how many in the running 10 s and minute."""
        if len(self._orders) > _MOST:
            self._orders.clear()
        short, long = self._orders.setdefault(account, (_Window(10_000), _Window(60_000)))
        counts = short.add(ten_seconds, now), long.add(minute, now)
        for count, most, words in zip(
            counts, (ORDERS_TEN_SECONDS, ORDERS_A_MINUTE), ("10 seconds", "1 minute"), strict=True
        ):
            if count > most:
                raise ApiError(-1015, f"Too many new orders; current limit is {most} orders per {words}.", status=429)
        return counts

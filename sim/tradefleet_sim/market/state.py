"""What a perpetual has beside its book: index, mark price, funding rate and open interest, once a second."""

from __future__ import annotations

import math
from collections.abc import Iterator

from tradefleet_sim.instruments import Instrument
from tradefleet_sim.market.draws import Draws
from tradefleet_sim.market.events import Mark, MarketEvent, OpenInterest

_MARK_SECONDS = 2.0  # the mark price follows the mid with this time constant
_BASIS_SECONDS = 3600.0
_BASIS = 3e-4  # typical basis, as a fraction of the price
_INTEREST = 1e-4  # the venue's interest rate per funding interval
_OI_NOTIONAL = 5e9  # USDT


class Derivatives:
    """Funding follows basis: rate = premium + clamp(interest - premium, ±0.05 %), the venue's formula."""

    def __init__(self, draws: Draws, instrument: Instrument, start_ms: int) -> None:
        self._draws = draws
        self._interval = instrument.funding_interval_ms
        self._tick = float(instrument.tick)
        self._level = _OI_NOTIONAL / float(instrument.typical_price * instrument.lot)  # lots
        self._home = self._level
        self._mark: float | None = None
        self._basis = 0.0
        self.next_funding = start_ms - start_ms % self._interval + self._interval

    def second(self, now: int, mid: float, slow: float) -> Iterator[MarketEvent]:
        """One second of basis, mark and open interest, whose growth leans on the slow factor."""
        normal = self._draws.normal
        self._basis += -self._basis / _BASIS_SECONDS + _BASIS * math.sqrt(2 / _BASIS_SECONDS) * normal()
        self._mark = mid if self._mark is None else self._mark + (mid - self._mark) / _MARK_SECONDS
        mark, index = self._mark * self._tick, mid * self._tick / (1 + self._basis)
        rate = self._basis + min(5e-4, max(-5e-4, _INTEREST - self._basis))
        while now >= self.next_funding:
            self.next_funding += self._interval
        yield Mark(now, f"{mark:.8f}", f"{index:.8f}", f"{index:.8f}", f"{rate:.8f}", self.next_funding)
        pull = -1e-6 * math.log(self._level / self._home)
        self._level *= math.exp(7e-6 * slow + 4e-5 * normal() + pull)
        yield OpenInterest(now, int(self._level))

    def liquidated(self, lots: int) -> None:
        self._level = max(1.0, self._level - lots)

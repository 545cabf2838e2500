"""The slow part of a generated market: how busy it is, how wild, and where it is pulled.

Volatility regimes are a Markov chain; activity excites itself (a Hawkes process in discrete time, exponential kernel),
so that volatility and volume cluster; two Ornstein-Uhlenbeck factors are what a model can find: `fast` tilts book and
trade flow, `slow` tilts trade flow and open interest, and both pull the price by `signal` (0: not at all, so that a
model that claims to find something on a market without signal is wrong).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from tradefleet_sim.market.draws import Draws

STEP_MS = 100
_DT = STEP_MS / 1000
# (volatility, activity, mean dwell in seconds) of calm, normal and wild.
_REGIMES = ((0.6, 0.7, 900.0), (1.0, 1.0, 1200.0), (2.2, 2.0, 120.0))
_BRANCHING = 0.6  # share of events that other events caused
_DECAY = math.exp(-_DT / 2.0)  # of the excitation, two seconds
FAST_SECONDS = 20.0
SLOW_SECONDS = 400.0
_FAST_PULL = 0.15  # of one second's volatility, per second and unit of the factor, at signal 1
_SLOW_PULL = 0.07


@dataclass(slots=True)
class Climate:
    """State of the slow processes. `rate` is the mean number of events a second in the normal regime."""

    draws: Draws
    rate: float
    signal: float
    regime: int = 1
    excitation: float = 0.0
    fast: float = 0.0
    slow: float = 0.0

    def step(self, events: int) -> float:
        """Advances by STEP_MS after `events` events; returns the pull on the price in units of one second's sigma."""
        draws = self.draws
        _, _, dwell = _REGIMES[self.regime]
        if draws.uniform() < _DT / dwell:
            # Wild and calm both lead back to normal; normal leads to calm three times as often as to wild.
            self.regime = 1 if self.regime != 1 else (0 if draws.uniform() < 0.75 else 2)
        branching = (1 - _DECAY) * _BRANCHING / _DT
        self.excitation = self.excitation * _DECAY + branching * events
        self.fast += -self.fast * _DT / FAST_SECONDS + math.sqrt(2 * _DT / FAST_SECONDS) * draws.normal()
        self.slow += -self.slow * _DT / SLOW_SECONDS + math.sqrt(2 * _DT / SLOW_SECONDS) * draws.normal()
        return self.signal * (_FAST_PULL * self.fast + _SLOW_PULL * self.slow) * self.volatility * _DT

    @property
    def volatility(self) -> float:
        return _REGIMES[self.regime][0]

    @property
    def intensity(self) -> float:
        """Events a second now; capped, so that a cascade ends."""
        base = self.rate * (1 - _BRANCHING) * _REGIMES[self.regime][1]
        return min(base + self.excitation, 12 * self.rate)

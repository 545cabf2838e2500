"""A market out of a seed: order flow with clustering, volatility regimes, funding, open interest, liquidations.

The price is a martingale in its noise; all that can be predicted is the pull of the two factors of `climate`, whose
strength is `signal`. At 1 the trade imbalance of the last 20 s correlates about 0.25 with the return of the next 30 s,
and the change of open interest over 300 s about 0.35 with the return of the next 300 s; at 0.3 about 0.12 both.
Same Generator state, same parameters: the same events, bit for bit.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from tradefleet_sim.instruments import BTCUSDT, Instrument
from tradefleet_sim.market.climate import STEP_MS, Climate
from tradefleet_sim.market.draws import Draws
from tradefleet_sim.market.events import BookUpdate, Liquidation, MarketEvent, Print, Snapshot
from tradefleet_sim.market.ladder import Ladder
from tradefleet_sim.market.state import Derivatives

_SECONDS_A_YEAR = 365 * 86_400
_TRADES, _QUOTES = 0.22, 0.50  # shares of events; the rest changes levels behind the best
_SWEEPS = 0.6  # share of price moves that come by trades; the others are quotes pulled


@dataclass(frozen=True, slots=True)
class MarketSpec:
    """What a generated market looks like. `rate` is the mean number of events a second, `signal` in [0, 1]."""

    instrument: Instrument = BTCUSDT
    rate: float = 60.0
    signal: float = 0.3
    volatility: float = 0.55  # a year, as a fraction of the price
    best_size: float = 120_000.0  # typical notional at the best price, USDT
    trade_size: float = 1_500.0  # typical notional of a trade, USDT

    def __post_init__(self) -> None:
        if not 0 <= self.signal <= 1:
            raise ValueError(f"signal must be between 0 and 1, not {self.signal}")
        if not 0.1 <= self.rate <= 10_000:
            raise ValueError(f"rate must be between 0.1 and 10000 events a second, not {self.rate}")


def generate(rng: np.random.Generator, spec: MarketSpec, start_ms: int) -> Iterator[MarketEvent]:
    """Events for ever, in time order, the first a Snapshot at `start_ms`."""
    return _Market(rng, spec, start_ms).run()


class _Market:
    def __init__(self, rng: np.random.Generator, spec: MarketSpec, start_ms: int) -> None:
        instrument = spec.instrument
        self.spec, self.now = spec, start_ms
        self.draws = Draws(rng)
        self.climate = Climate(self.draws, spec.rate, spec.signal)
        price = float(instrument.typical_price / instrument.tick)
        lot_usdt = float(instrument.typical_price * instrument.lot)
        self.price = price + 0.5  # the efficient price, in ticks
        self.sigma = price * spec.volatility / math.sqrt(_SECONDS_A_YEAR)  # ticks a sqrt(second), normal regime
        self.trade_lots = spec.trade_size / lot_usdt
        self.ladder = Ladder(self.draws, int(price), spec.best_size / lot_usdt)
        self.derivatives = Derivatives(self.draws, instrument, start_ms)
        self.update = start_ms * 1_000  # ids grow with strides, as the venue's do
        self.slack = 0.0
        self.prices: deque[float] = deque(maxlen=60)  # mid of the last 60 seconds

    def run(self) -> Iterator[MarketEvent]:
        yield Snapshot(self.now, self.update, *self.ladder.snapshot())
        events, steps = 0, 0
        while True:
            if steps % (1000 // STEP_MS) == 0:
                yield from self._second()
            if steps % (30_000 // STEP_MS) == 0:
                self.ladder.tend()
            self.price *= math.exp(self.climate.step(events) * self.sigma / self.price)
            events = self.draws.poisson(self.climate.intensity * STEP_MS / 1000)
            begin = self.now
            for i in range(events):
                self.now = begin + int(STEP_MS * (i + self.draws.uniform()) / events)
                yield from self._event()
            self.now = begin + STEP_MS
            steps += 1

    def _event(self) -> Iterator[MarketEvent]:
        draws, ladder, climate = self.draws, self.ladder, self.climate
        scale = self.sigma * climate.volatility / math.sqrt(self.spec.rate)
        self.price *= math.exp(scale * draws.normal() / self.price)
        if self.price > ladder.ask + self.slack or self.price < ladder.bid - self.slack:
            yield from self._move()
            return
        kind, tilt = draws.uniform(), climate.fast
        if kind < _TRADES:
            flow = math.tanh(0.45 * climate.fast + 0.35 * climate.slow)
            buy = draws.uniform() < 0.5 + 0.35 * flow
            price, lots = ladder.take(buy, self._trade_size())
            if lots > 0:
                yield Print(self.now, price, lots, not buy)
        elif kind < _TRADES + _QUOTES:
            ladder.requote(draws.uniform() < 0.5, tilt)
        else:
            ladder.stir(draws.uniform() < 0.5, tilt)
        yield from self._flush()

    def _move(self) -> Iterator[MarketEvent]:
        draws, ladder = self.draws, self.ladder
        up = self.price > ladder.ask
        spread = 1 if draws.uniform() < 0.94 else 1 + int(draws.exponential() * 4)
        swept = ladder.move(int(self.price), spread, self.climate.fast)
        self.slack = 8 * draws.exponential()
        if swept and draws.uniform() < _SWEEPS:
            swept.sort(reverse=not up)
            budget = 1 + 4 * self._trade_size()
            for price, available in swept[:4]:
                lots = min(available, budget)
                yield Print(self.now, price, lots, not up)
                budget -= lots
                if budget <= 0:
                    break
        yield from self._flush()

    def _second(self) -> Iterator[MarketEvent]:
        mid = (self.ladder.bid + self.ladder.ask) / 2
        self.prices.append(mid)
        yield from self.derivatives.second(self.now, mid, self.climate.slow)
        # Liquidations: the likelier the further the last minute went, and they excite the flow (a cascade).
        run = (mid - self.prices[0]) / (self.sigma * math.sqrt(60))
        for _ in range(min(20, self.draws.poisson(0.02 + 0.25 * max(0.0, abs(run) - 1.5)))):
            sell = run < 0
            price = self.ladder.bid if sell else self.ladder.ask
            lots = 1 + 3 * self._trade_size()
            taken_at, taken = self.ladder.take(not sell, lots)
            if taken <= 0:
                continue
            limit = max(1, price + (-30 if sell else 30))
            self.climate.excitation += 0.02 * self.spec.rate
            self.derivatives.liquidated(taken)
            yield Print(self.now, taken_at, taken, sell)
            yield Liquidation(self.now, sell, limit, taken_at, taken)
        yield from self._flush()

    def _flush(self) -> Iterator[MarketEvent]:
        bids, asks = self.ladder.drain()
        if bids or asks:
            self.update += 1 + int(20 * self.draws.uniform())
            yield BookUpdate(self.now, self.update, bids, asks)

    def _trade_size(self) -> int:
        return 1 + int(self.trade_lots * math.exp(1.3 * self.draws.normal()))

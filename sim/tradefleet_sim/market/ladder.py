"""The generated book: two sides of levels around a best price, always populated, never crossed."""

from __future__ import annotations

import math

from tradefleet_sim.market.draws import Draws
from tradefleet_sim.market.events import Levels

_NEAR, _FAR = 24, 120  # ticks from the best: dense, then thinner, then sparse
_DENSITY = (0.75, 0.35, 0.10)
_WIDTH = 1500  # ticks a side that a fresh ladder spans
_LONGEST_REFILL = 400  # a jump leaves older levels behind instead of filling every tick of the way


class Ladder:
    """Levels of both sides (price → lots) and what changed since `drain`. Sizes are drawn with a tilt toward bids."""

    def __init__(self, draws: Draws, mid: int, best_lots: float) -> None:
        self._draws = draws
        self._best_lots = best_lots
        self.bid, self.ask = mid, mid + 1
        self.bids: dict[int, int] = {}
        self.asks: dict[int, int] = {}
        self._changed_bids: dict[int, int] = {}
        self._changed_asks: dict[int, int] = {}
        for distance in range(_WIDTH):
            if distance == 0 or draws.uniform() < _density(distance):
                self._set_bid(self.bid - distance, self._size(distance, 0.0))
            if distance == 0 or draws.uniform() < _density(distance):
                self._set_ask(self.ask + distance, self._size(distance, 0.0))
        self.drain()

    def drain(self) -> tuple[Levels, Levels]:
        """The levels that changed since the last call: best first."""
        bids, asks = sorted(self._changed_bids.items(), reverse=True), sorted(self._changed_asks.items())
        self._changed_bids.clear()
        self._changed_asks.clear()
        return bids, asks

    def snapshot(self) -> tuple[Levels, Levels]:
        return sorted(self.bids.items(), reverse=True), sorted(self.asks.items())

    def take(self, buy: bool, lots: int) -> tuple[int, int]:
        """An aggressor takes up to `lots` of the best level but never empties it: (price, lots taken)."""
        price, side = (self.ask, self.asks) if buy else (self.bid, self.bids)
        taken = min(lots, side[price] - 1)
        if taken > 0:
            (self._set_ask if buy else self._set_bid)(price, side[price] - taken)
        return price, taken

    def requote(self, buy: bool, tilt: float) -> None:
        """The best level of one side (`buy`: the bid) gets a new size."""
        if buy:
            self._set_bid(self.bid, self._size(0, tilt))
        else:
            self._set_ask(self.ask, self._size(0, -tilt))

    def stir(self, buy: bool, tilt: float) -> None:
        """A level behind the best one appears, changes or goes."""
        draws = self._draws
        distance = 1 + int(draws.exponential() * _NEAR)
        price, side = (self.bid - distance, self.bids) if buy else (self.ask + distance, self.asks)
        if price <= 0:
            return
        gone = price in side and draws.uniform() > _density(distance)
        size = 0 if gone else self._size(distance, tilt if buy else -tilt)
        (self._set_bid if buy else self._set_ask)(price, size)

    def move(self, bid: int, spread: int, tilt: float) -> Levels:
        """The best prices become `bid` and `bid + spread`; returns the levels that an aggressor would have swept."""
        bid, ask, draws = max(1, bid), max(1, bid) + spread, self._draws
        swept: Levels = []
        for price in range(self.ask, ask):  # asks below the new best ask: bought
            if lots := self.asks.get(price):
                swept.append((price, lots))
                self._set_ask(price, 0)
        for price in range(self.bid, bid, -1):  # bids above the new best bid: sold
            if lots := self.bids.get(price):
                swept.append((price, lots))
                self._set_bid(price, 0)
        for price in range(max(self.bid + 1, bid - _LONGEST_REFILL), bid):
            if draws.uniform() < _density(bid - price):
                self._set_bid(price, self._size(bid - price, tilt))
        for price in range(min(self.ask - 1, ask + _LONGEST_REFILL), ask, -1):
            if draws.uniform() < _density(price - ask):
                self._set_ask(price, self._size(price - ask, -tilt))
        self.bid, self.ask = bid, ask
        if bid not in self.bids:
            self._set_bid(bid, self._size(0, tilt))
        if ask not in self.asks:
            self._set_ask(ask, self._size(0, -tilt))
        return swept

    def tend(self) -> None:
        """Far levels are dropped and the far end repopulated, so that the book neither grows nor empties."""
        for side, edge, put in (
            (self.bids, self.bid - 2 * _WIDTH, self._set_bid),
            (self.asks, self.ask + 2 * _WIDTH, self._set_ask),
        ):
            for price in [price for price in side if (price < edge) == (side is self.bids)]:
                put(price, 0)
            while len(side) < _WIDTH // 10:
                distance = 1 + int(self._draws.uniform() * _WIDTH)
                price = self.bid - distance if side is self.bids else self.ask + distance
                put(max(1, price), self._size(distance, 0.0))

    def _size(self, distance: int, tilt: float) -> int:
        scale = self._best_lots if distance == 0 else self._best_lots * 0.15
        return 1 + int(scale * math.exp(0.8 * self._draws.normal() + 0.5 * tilt))

    def _set_bid(self, price: int, lots: int) -> None:
        if lots:
            self.bids[price] = lots
        else:
            self.bids.pop(price, None)
        self._changed_bids[price] = lots

    def _set_ask(self, price: int, lots: int) -> None:
        if lots:
            self.asks[price] = lots
        else:
            self.asks.pop(price, None)
        self._changed_asks[price] = lots


def _density(distance: int) -> float:
    return _DENSITY[0] if distance < _NEAR else _DENSITY[1] if distance < _FAR else _DENSITY[2]

"""One symbol's book: strangers' liquidity by level and clients' orders in price-time priority among it.

Strangers come as absolute quantities of a level, clients as orders. A client's order that joins a level stands behind
what was displayed there (`ahead`); strangers who come later stand behind it, and strangers who leave are, to be
pessimistic, taken to have stood behind it too, as long as enough of them are left.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterator
from dataclasses import dataclass

from tradefleet_sim.engine.orders import Side
from tradefleet_sim.market.events import Levels


@dataclass(slots=True)
class Resting:
    """A client's order in the queue; `remaining` of a reduce-only order is no more than there is to reduce."""

    order_id: int
    account: str
    price: int
    remaining: int
    ahead: int


@dataclass(frozen=True, slots=True)
class Take:
    """One step of an aggressor's way through a side: from strangers (`resting` None), or from a client's order.

    `lots` 0 with a resting order means that it belongs to the aggressor itself and is to expire instead of trading.
    """

    price: int
    lots: int
    resting: Resting | None


class Half:
    """One side. Prices are kept sorted best first by the key `-price` (bids) or `price` (asks)."""

    def __init__(self, side: Side) -> None:
        self.side = side
        self._sign = -side.sign
        self.levels: dict[int, int] = {}
        self.queues: dict[int, list[Resting]] = {}
        self._level_keys: list[int] = []
        self._queue_keys: list[int] = []
        self.touched: set[int] = set()

    def best(self) -> int | None:
        """The best displayed price."""
        keys = [keys[0] for keys in (self._level_keys, self._queue_keys) if keys]
        return self._sign * min(keys) if keys else None

    def best_level(self) -> int | None:
        """The strangers' best price."""
        return self._sign * self._level_keys[0] if self._level_keys else None

    def best_queue(self) -> int | None:
        """The clients' best price."""
        return self._sign * self._queue_keys[0] if self._queue_keys else None

    def displayed(self, price: int) -> int:
        return self.levels.get(price, 0) + sum(resting.remaining for resting in self.queues.get(price, ()))

    def prices(self) -> Iterator[int]:
        """Displayed prices, best first."""
        levels, queues = iter(self._level_keys), iter(self._queue_keys)
        level, queue = next(levels, None), next(queues, None)
        while level is not None or queue is not None:
            key = min(key for key in (level, queue) if key is not None)
            yield self._sign * key
            if level == key:
                level = next(levels, None)
            if queue == key:
                queue = next(queues, None)

    def top(self, count: int) -> Levels:
        rows: Levels = []
        for price in self.prices():
            if len(rows) == count:
                break
            rows.append((price, self.displayed(price)))
        return rows

    def within(self, price: int, limit: int | None) -> bool:
        """Whether an aggressor with `limit` (None: any price) would accept `price` of this side."""
        return limit is None or self._sign * price <= self._sign * limit

    def set_level(self, price: int, lots: int) -> None:
        """Strangers now show `lots` at `price`."""
        known = self.levels.get(price, 0)
        if known == lots:
            return
        self.touched.add(price)
        if lots:
            if not known:
                insort(self._level_keys, self._sign * price)
            self.levels[price] = lots
        else:
            del self.levels[price]
            del self._level_keys[bisect_left(self._level_keys, self._sign * price)]
        for resting in self.queues.get(price, ()):
            resting.ahead = min(resting.ahead, lots)

    def clear_better(self, price: int) -> None:
        """No stranger is better than `price` any more."""
        while self._level_keys and self._level_keys[0] < self._sign * price:
            self.set_level(self._sign * self._level_keys[0], 0)

    def clear_to(self, price: int) -> None:
        """No stranger is at `price` or better any more."""
        self.clear_better(price)
        if price in self.levels:
            self.set_level(price, 0)

    def join(self, resting: Resting) -> None:
        queue = self.queues.get(resting.price)
        if queue is None:
            queue = self.queues[resting.price] = []
            insort(self._queue_keys, self._sign * resting.price)
        queue.append(resting)
        self.touched.add(resting.price)

    def rejoin(self) -> None:
        """A whole new book: clients' orders stand behind all that it shows at their prices."""
        for price, queue in self.queues.items():
            for resting in queue:
                resting.ahead = self.levels.get(price, 0)

    def leave(self, resting: Resting) -> None:
        queue = self.queues[resting.price]
        queue.remove(resting)
        if not queue:
            del self.queues[resting.price]
            del self._queue_keys[bisect_left(self._queue_keys, self._sign * resting.price)]
        self.touched.add(resting.price)

    def plan(self, lots: int, limit: int | None, account: str) -> list[Take]:
        """What an aggressor of `account` would take, in price-time priority; changes nothing."""
        takes: list[Take] = []
        for price in self.prices():
            if lots <= 0 or not self.within(price, limit):
                break
            strangers = used = self.levels.get(price, 0)
            for resting in self.queues.get(price, ()):
                if lots <= 0:
                    break
                if resting.account == account:
                    takes.append(Take(price, 0, resting))
                    continue
                ahead = min(lots, max(0, min(resting.ahead, strangers) - (strangers - used)))
                if ahead:
                    takes.append(Take(price, ahead, None))
                    used, lots = used - ahead, lots - ahead
                if lots:
                    share = min(lots, resting.remaining)
                    takes.append(Take(price, share, resting))
                    lots -= share
            if behind := min(lots, used):
                takes.append(Take(price, behind, None))
                lots -= behind
        return takes

    def take(self, step: Take) -> None:
        """Carries out one step of a plan; a client's order that is done stays until it leaves."""
        self.touched.add(step.price)
        if step.resting is None:
            waiting = [(resting, max(0, resting.ahead - step.lots)) for resting in self.queues.get(step.price, ())]
            self.set_level(step.price, self.levels[step.price] - step.lots)
            for resting, ahead in waiting:
                resting.ahead = ahead
        else:
            step.resting.remaining -= step.lots

    def printed(self, price: int, lots: int) -> list[Take]:
        """Which clients a print between strangers fills: those it passed, then those whose turn it is at its price."""
        takes: list[Take] = []
        for key in list(self._queue_keys):
            queue_price = self._sign * key
            if lots <= 0 or not self.within(queue_price, price):
                break
            strangers = lots if queue_price == price else 0  # of the print, if no client were there
            for resting in self.queues[queue_price]:
                share = min(lots, resting.remaining)
                if queue_price == price:
                    share = min(share, strangers - resting.ahead)
                    resting.ahead = max(0, resting.ahead - strangers)
                if share > 0:
                    takes.append(Take(queue_price, share, resting))
                    lots, strangers = lots - share, strangers - share
        return takes


class Book:
    """Both sides of one symbol."""

    def __init__(self) -> None:
        self.bids, self.asks = Half(Side.BUY), Half(Side.SELL)

    def half(self, side: Side) -> Half:
        return self.bids if side is Side.BUY else self.asks

    def drain(self) -> tuple[Levels, Levels]:
        """Displayed quantities of every level touched since the last call, best first."""
        rows: list[Levels] = []
        for half, best_first in ((self.bids, True), (self.asks, False)):
            rows.append([(price, half.displayed(price)) for price in sorted(half.touched, reverse=best_first)])
            half.touched.clear()
        return rows[0], rows[1]

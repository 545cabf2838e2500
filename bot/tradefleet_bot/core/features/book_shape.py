"""What the order book's levels say: imbalance at several depths, and on which side depth builds up faster."""

from functools import partial
from math import fsum
from typing import Final

from tradefleet_bot.core.features.sources.depth import DepthSource
from tradefleet_bot.core.features.spec import Feature, FeatureSpec, Pool


class BookImbalance(Feature):
    """(bids - asks) / (bids + asks), quantities of the best n levels (fewer where the book has fewer), -1 to 1.

    Source: Cao, Hansch, Wang, The information content of an open limit-order book, J. Futures Markets 29 (2009).

    >>> from tradefleet_bot.core.events import DepthSnapshot
    >>> feature = BookImbalance(Pool(), 2)
    >>> feature.update(DepthSnapshot(0, 0, "BTCUSDT", ((99.0, 1.0), (98.0, 2.0), (97.0, 9.0)), ((101.0, 1.0),)))
    >>> feature.get(0)
    0.5
    """

    def __init__(self, pool: Pool, levels: int) -> None:
        self._depth = pool.source(DepthSource, pool.book)
        self._levels = levels
        super().__init__(self._depth)

    def get(self, at: int) -> float | None:
        top = self._depth.top(at, self._levels)
        if top is None:
            return None
        bids = fsum([quantity for _, quantity in top[0]])
        asks = fsum([quantity for _, quantity in top[1]])
        return (bids - asks) / (bids + asks)


class DepthSlope(Feature):
    """(s_bid - s_ask) / (s_bid + s_ask), -1 to 1: positive when bids pile up faster away from the mid.

    s is the slope of cumulative quantity C over relative distance d from the mid, by least squares through the origin
    over the best n levels: Σ d C / Σ d².
    Source: Næs, Skjeltorp, Order book characteristics and the volume-volatility relation, J. Financial Markets 9 (2006)
    (the order book slope; here per side, and their relative difference).

    >>> from tradefleet_bot.core.events import DepthSnapshot
    >>> feature = DepthSlope(Pool(), 10)
    >>> feature.update(DepthSnapshot(0, 0, "BTCUSDT", ((99.0, 3.0), (98.0, 3.0)), ((101.0, 1.0), (102.0, 1.0))))
    >>> feature.get(0)
    0.5
    """

    def __init__(self, pool: Pool, levels: int) -> None:
        self._depth = pool.source(DepthSource, pool.book)
        self._levels = levels
        super().__init__(self._depth)

    def get(self, at: int) -> float | None:
        top = self._depth.top(at, self._levels)
        if top is None:
            return None
        best_bid, best_ask = top[0][0][0], top[1][0][0]
        mid = best_bid + (best_ask - best_bid) * 0.5
        bid, ask = _slope(top[0], mid), _slope(top[1], mid)
        return None if bid is None or ask is None else (bid - ask) / (bid + ask)


def _slope(levels: list[tuple[float, float]], mid: float) -> float | None:
    cumulative = products = squares = 0.0
    for price, quantity in levels:
        distance = abs(price - mid) / mid
        cumulative += quantity
        products += distance * cumulative
        squares += distance * distance
    return products / squares if products > 0.0 and squares > 0.0 else None


SPECS: Final = (
    *(
        FeatureSpec(
            name=f"book_imbalance_{levels}",
            unit="ratio",
            formula=f"(bids - asks) / (bids + asks), quantities of the best {levels} levels",
            reference="Cao, Hansch, Wang 2009",
            inputs=frozenset({"depth"}),
            window=0,
            version=1,
            factory=partial(BookImbalance, levels=levels),
        )
        for levels in (5, 10, 20)
    ),
    *(
        FeatureSpec(
            name=f"depth_slope_{levels}",
            unit="ratio",
            formula=f"(s_bid - s_ask) / (s_bid + s_ask), s = Σ d C / Σ d² over the best {levels} levels",
            reference="Næs, Skjeltorp 2006",
            inputs=frozenset({"depth"}),
            window=0,
            version=1,
            factory=partial(DepthSlope, levels=levels),
        )
        for levels in (10, 20)
    ),
)

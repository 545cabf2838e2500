"""Realised volatility of the mid over a window."""

from functools import partial
from itertools import pairwise
from math import fsum, log1p, sqrt
from typing import Final

from tradefleet_bot.core.features.sources.base import MILLISECOND, SECOND
from tradefleet_bot.core.features.sources.quotes import QuoteSource
from tradefleet_bot.core.features.spec import Feature, FeatureSpec, Pool, seconds


def sampling_step(window: int) -> int:
    """Distance of the mids sampled in a window: 200 ms up to 5 s, else 1 s (more would measure bounce, not moves)."""
    return 200 * MILLISECOND if window <= 5 * SECOND else SECOND


class Volatility(Feature):
    """Realised volatility: sqrt(sum of r_j² / w), ratio per square root of a second.

    r_j are the log returns between mids sampled at the multiples of a step (200 ms for 5 s, else 1 s) in the window.
    There is no mean to subtract, and each r_j comes from a relative difference: nothing cancels. The sum is made anew
    at each `get`, so state does not drift.
    Source: Andersen, Bollerslev, Diebold, Labys, Modeling and Forecasting Realized Volatility, Econometrica 71 (2003).

    >>> from tradefleet_bot.core.events import Quote
    >>> feature = Volatility(Pool(), 5 * SECOND)
    >>> for second in range(7):
    ...     bid = 100.0 if second % 2 else 101.0
    ...     feature.update(Quote(second * SECOND, second * SECOND, "BTCUSDT", bid, 1.0, bid, 1.0))
    >>> round(feature.get(6 * SECOND), 6)  # five moves of ln(1.01) in five seconds
    0.00995
    """

    def __init__(self, pool: Pool, window: int) -> None:
        self._quotes = pool.source(QuoteSource)
        self._step = sampling_step(window)
        self._count = window // self._step
        self._seconds = window / SECOND
        super().__init__(self._quotes)

    def get(self, at: int) -> float | None:
        now = self._quotes.now(at)
        if now is None:
            return None
        mids = self._quotes.mids.samples(now, self._step, self._count + 1)
        if mids is None:
            return None
        return sqrt(fsum(log1p((b - a) / a) ** 2 for a, b in pairwise(mids) if a != b) / self._seconds)


SPECS: Final = tuple(
    FeatureSpec(
        name=f"volatility_{seconds(window)}",
        unit="ratio/√s",
        formula=f"sqrt(Σ r² / {seconds(window)}), r: log returns of the mid each {sampling_step(window) / SECOND:g} s",
        reference="Andersen, Bollerslev, Diebold, Labys 2003",
        inputs=frozenset({"quote"}),
        window=window + sampling_step(window),
        version=1,
        factory=partial(Volatility, window=window),
    )
    for window in (5 * SECOND, 20 * SECOND, 60 * SECOND)
)

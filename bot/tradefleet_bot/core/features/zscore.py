"""Mean reversion: how far the mid is from its mean over a window, in standard deviations."""

from functools import partial
from math import fsum, sqrt
from typing import Final

from tradefleet_bot.core.features.momentum import FLOOR
from tradefleet_bot.core.features.sources.base import SECOND
from tradefleet_bot.core.features.sources.quotes import QuoteSource
from tradefleet_bot.core.features.spec import Feature, FeatureSpec, Pool, seconds
from tradefleet_bot.core.features.volatility import sampling_step


class ZScore(Feature):
    """(mid_t - mean) / max(deviation, 1e-6 × mean), dimensionless; positive above the mean.

    Mean and (population) deviation of the mids sampled as for the volatility, in two passes at each `get`: exact to
    rounding at any price level, and state does not drift.
    Source: Bollinger, Bollinger on Bollinger Bands (2001), ch. 8 (%b with mean and deviation as the bands).

    >>> from tradefleet_bot.core.events import Quote
    >>> feature = ZScore(Pool(), 5 * SECOND)
    >>> for second in range(7):
    ...     bid = 100.0 + second % 2
    ...     feature.update(Quote(second * SECOND, second * SECOND, "BTCUSDT", bid, 1.0, bid, 1.0))
    >>> round(feature.get(6 * SECOND + SECOND // 2), 1)  # the mean is about 100.5, the deviation 0.5
    -1.1
    """

    def __init__(self, pool: Pool, window: int) -> None:
        self._quotes = pool.source(QuoteSource)
        self._step = sampling_step(window)
        self._count = window // self._step + 1
        super().__init__(self._quotes)

    def get(self, at: int) -> float | None:
        now = self._quotes.now(at)
        if now is None:
            return None
        mids = self._quotes.mids.samples(now, self._step, self._count)
        if mids is None:
            return None
        origin = mids[-1]  # deviations from a nearby value: the mean loses no digits to the price level
        mean = fsum(mid - origin for mid in mids) / self._count
        deviation = sqrt(fsum((mid - origin - mean) ** 2 for mid in mids) / self._count)
        return (self._quotes.mids.last - origin - mean) / max(deviation, FLOOR * (origin + mean))


SPECS: Final = tuple(
    FeatureSpec(
        name=f"zscore_{seconds(window)}",
        unit="1",
        formula=(
            f"(mid_t - mean) / max(deviation, 1e-6 × mean), of the mid each {sampling_step(window) / SECOND:g} s"
            f" over {seconds(window)}"
        ),
        reference="Bollinger 2001, ch. 8",
        inputs=frozenset({"quote"}),
        window=window + sampling_step(window),
        version=1,
        factory=partial(ZScore, window=window),
    )
    for window in (5 * SECOND, 20 * SECOND, 60 * SECOND)
)

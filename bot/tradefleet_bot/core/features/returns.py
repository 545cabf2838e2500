"""Log return of the mid over a window."""

from functools import partial
from math import log1p
from typing import Final

from tradefleet_bot.core.features.sources.base import SECOND
from tradefleet_bot.core.features.sources.quotes import QuoteSource
from tradefleet_bot.core.features.spec import Feature, FeatureSpec, Pool, seconds


class Return(Feature):
    """Log return: ln(mid_t / mid_{t-w}), a ratio.

    mid_{t-w} is the mid just before the window began: at the 100 ms boundary at or before t - w. Computed as log1p of
    the relative difference, which loses no digits to the price level (ln of a quotient: 1e-10 of a one-tick move).
    Source: Campbell, Lo, MacKinlay, The Econometrics of Financial Markets (1997), 1.4. State does not drift.

    >>> from tradefleet_bot.core.events import Quote
    >>> feature = Return(Pool(), SECOND)
    >>> for second, bid in enumerate((100.0, 101.0, 102.0)):
    ...     feature.update(Quote(second * SECOND, second * SECOND, "BTCUSDT", bid, 1.0, bid, 1.0))
    >>> round(feature.get(2 * SECOND + SECOND // 2), 6)  # ln(102 / 101)
    0.009852
    """

    def __init__(self, pool: Pool, window: int) -> None:
        self._quotes = pool.source(QuoteSource)
        self._window = window
        super().__init__(self._quotes)

    def get(self, at: int) -> float | None:
        now = self._quotes.now(at)
        if now is None:
            return None
        mids = self._quotes.mids
        then = mids.at((now - self._window) // mids.width)
        return None if then is None else log1p((mids.last - then) / then)


SPECS: Final = tuple(
    FeatureSpec(
        name=f"return_{seconds(window)}",
        unit="ratio",
        formula=f"ln(mid_t / mid_{{t-{seconds(window)}}})",
        reference="Campbell, Lo, MacKinlay 1997, 1.4",
        inputs=frozenset({"quote"}),
        window=window,
        version=1,
        factory=partial(Return, window=window),
    )
    for window in (1 * SECOND, 5 * SECOND, 10 * SECOND, 20 * SECOND, 60 * SECOND)
)

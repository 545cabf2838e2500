"""Open interest: its level and its relative change."""

from functools import partial
from typing import Final

from tradefleet_bot.core.features.sources.base import SECOND
from tradefleet_bot.core.features.sources.interest import OpenInterestSource
from tradefleet_bot.core.features.spec import Feature, FeatureSpec, Pool, seconds


class OpenInterestLevel(Feature):
    """Open interest, one-sided, in base units. Source: the venue's own figure (Binance USD-M GET openInterest).

    >>> from tradefleet_bot.core.events import OpenInterest
    >>> feature = OpenInterestLevel(Pool())
    >>> feature.update(OpenInterest(0, 0, "BTCUSDT", 85_000.0))
    >>> feature.get(SECOND), feature.get(60 * SECOND)
    (85000.0, None)
    """

    def __init__(self, pool: Pool) -> None:
        self._interest = pool.source(OpenInterestSource)
        super().__init__(self._interest)

    def get(self, at: int) -> float | None:
        return None if self._interest.now(at) is None else self._interest.levels.last


class OpenInterestChange(Feature):
    """(OI_t - OI_{t-w}) / OI_{t-w}, a ratio: positive when positions are opened. State does not drift.

    Source: Bessembinder, Seguin, Price volatility, trading volume, and market depth, JFQA 28 (1993): changes of open
    interest tell new positions from turnover.

    >>> from tradefleet_bot.core.events import OpenInterest
    >>> feature = OpenInterestChange(Pool(), 60 * SECOND)
    >>> for step in range(14):
    ...     feature.update(OpenInterest(step * 5 * SECOND, step * 5 * SECOND, "BTCUSDT", 100.0 + step))
    >>> round(feature.get(65 * SECOND), 6)  # from 100 to 113
    0.13
    """

    def __init__(self, pool: Pool, window: int) -> None:
        self._interest = pool.source(OpenInterestSource)
        self._window = window
        super().__init__(self._interest)

    def get(self, at: int) -> float | None:
        now = self._interest.now(at)
        if now is None:
            return None
        levels = self._interest.levels
        then = levels.at((now - self._window) // levels.width)
        return None if then is None else (levels.last - then) / then


SPECS: Final = (
    FeatureSpec(
        name="open_interest",
        unit="base units",
        formula="open interest, one-sided",
        reference="Binance USD-M GET /fapi/v1/openInterest",
        inputs=frozenset({"open_interest"}),
        window=0,
        version=1,
        factory=OpenInterestLevel,
    ),
    *(
        FeatureSpec(
            name=f"open_interest_change_{seconds(window)}",
            unit="ratio",
            formula=f"(OI_t - OI_{{t-{seconds(window)}}}) / OI_{{t-{seconds(window)}}}",
            reference="Bessembinder, Seguin 1993",
            inputs=frozenset({"open_interest"}),
            window=window,
            version=1,
            factory=partial(OpenInterestChange, window=window),
        )
        for window in (60 * SECOND, 300 * SECOND)
    ),
)

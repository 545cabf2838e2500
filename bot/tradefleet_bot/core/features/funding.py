"""Funding of a perpetual: the rate, when it is paid, and the basis that it pulls on."""

from typing import Final

from tradefleet_bot.core.features.sources.base import SECOND
from tradefleet_bot.core.features.sources.mark import MarkSource
from tradefleet_bot.core.features.spec import Feature, FeatureSpec, Pool

LONGEST: Final = 24 * 3600 * SECOND
"""No venue pays funding less often than daily: a time further off is not believed."""


class FundingRate(Feature):
    """Funding rate per period, a ratio of notional; positive: longs pay. Source: the venue's figure (Binance `r`).

    >>> from tradefleet_bot.core.events import MarkPrice
    >>> feature = FundingRate(Pool())
    >>> feature.update(MarkPrice(0, 0, "BTCUSDT", 100.5, 100.0, 0.0001, 3600 * SECOND))
    >>> feature.get(0)
    0.0001
    """

    def __init__(self, pool: Pool) -> None:
        self._marks = pool.source(MarkSource)
        super().__init__(self._marks)

    def get(self, at: int) -> float | None:
        mark = self._marks.fresh(at)
        return None if mark is None else mark.funding_rate


class TimeToFunding(Feature):
    """Seconds until funding is next paid; 0 in the moment between the payment and the next announcement.

    Source: the venue's figure (Binance `T` of markPriceUpdate) less event time.

    >>> from tradefleet_bot.core.events import MarkPrice
    >>> feature = TimeToFunding(Pool())
    >>> feature.update(MarkPrice(0, 0, "BTCUSDT", 100.5, 100.0, 0.0001, 3600 * SECOND))
    >>> feature.get(SECOND)
    3599.0
    """

    def __init__(self, pool: Pool) -> None:
        self._marks = pool.source(MarkSource)
        super().__init__(self._marks)

    def get(self, at: int) -> float | None:
        now = self._marks.now(at)
        mark = self._marks.mark
        if now is None or mark is None or mark.next_funding is None:
            return None
        left = mark.next_funding - now
        return None if left > LONGEST else max(0, left) / SECOND


class Basis(Feature):
    """(mark - index) / index, a ratio; positive: the perpetual is dearer than spot. Source: Hull, Options, Futures.

    >>> from tradefleet_bot.core.events import MarkPrice
    >>> feature = Basis(Pool())
    >>> feature.update(MarkPrice(0, 0, "BTCUSDT", 100.5, 100.0, 0.0001, 3600 * SECOND))
    >>> feature.get(0)
    0.005
    """

    def __init__(self, pool: Pool) -> None:
        self._marks = pool.source(MarkSource)
        super().__init__(self._marks)

    def get(self, at: int) -> float | None:
        mark = self._marks.fresh(at)
        return None if mark is None or mark.index is None else (mark.mark - mark.index) / mark.index


SPECS: Final = (
    FeatureSpec(
        name="funding_rate",
        unit="ratio",
        formula="funding rate per period",
        reference="Binance USD-M markPriceUpdate, r",
        inputs=frozenset({"mark"}),
        window=0,
        version=1,
        factory=FundingRate,
    ),
    FeatureSpec(
        name="time_to_funding",
        unit="s",
        formula="max(0, next funding - t)",
        reference="Binance USD-M markPriceUpdate, T",
        inputs=frozenset({"mark"}),
        window=0,
        version=1,
        factory=TimeToFunding,
    ),
    FeatureSpec(
        name="basis",
        unit="ratio",
        formula="(mark - index) / index",
        reference="Hull, Options, Futures, and Other Derivatives, 3.3",
        inputs=frozenset({"mark"}),
        window=0,
        version=1,
        factory=Basis,
    ),
)

"""Average true range over bars built from trades."""

from functools import partial
from typing import Final

from tradefleet_bot.core.features.sources.base import SECOND
from tradefleet_bot.core.features.sources.trades import BarSource
from tradefleet_bot.core.features.spec import Feature, FeatureSpec, Pool, seconds

BARS: Final = 14


class AverageTrueRange(Feature):
    """Average true range over the last price, a ratio: multiply by the price for a distance.

    TR = max(high, previous close) - min(low, previous close) of each bar; the average starts as the mean of the first
    14 and goes on as Wilder's: A += (TR - A) / 14. Only complete bars count. Rounding fades with A itself (half of it
    every ten bars), so state does not drift.
    Source: J. Welles Wilder, New Concepts in Technical Trading Systems (1978), pp. 21-23.

    >>> from tradefleet_bot.core.events import Trade
    >>> feature = AverageTrueRange(Pool(), SECOND)
    >>> for half in range(32):
    ...     price = 100.0 + half % 2
    ...     feature.update(Trade(half * SECOND // 2, half * SECOND // 2, "BTCUSDT", price, 1.0, "BUY"))
    >>> round(feature.get(16 * SECOND), 6)  # every bar ranges from 100 to 101, the last price is 101
    0.009901
    """

    def __init__(self, pool: Pool, length: int) -> None:
        self._bars = pool.source(BarSource, length, BARS)
        super().__init__(self._bars)

    def get(self, at: int) -> float | None:
        now = self._bars.now(at)
        if now is None:
            return None
        average = self._bars.average(now)
        return None if average is None else average / self._bars.close


SPECS: Final = tuple(
    FeatureSpec(
        name=f"atr_{seconds(length)}",
        unit="ratio",
        formula=f"Wilder's average of {BARS} true ranges of {seconds(length)} bars / last price",
        reference="Wilder 1978, pp. 21-23",
        inputs=frozenset({"trade"}),
        window=(BARS + 1) * length,
        version=1,
        factory=partial(AverageTrueRange, length=length),
    )
    for length in (1 * SECOND, 5 * SECOND, 60 * SECOND)
)

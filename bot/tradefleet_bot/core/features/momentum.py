"""Momentum: the return over a window in units of its own volatility."""

from functools import partial
from math import sqrt
from typing import Final

from tradefleet_bot.core.features.returns import Return
from tradefleet_bot.core.features.sources.base import SECOND
from tradefleet_bot.core.features.spec import Feature, FeatureSpec, Pool, seconds
from tradefleet_bot.core.features.volatility import Volatility, sampling_step

FLOOR: Final = 1e-6
"""Smallest deviation to divide by, as a ratio of the price (about half a tick of BTCUSDT): a still market gives 0."""


class Momentum(Feature):
    """Risk-adjusted momentum: return_w / max(volatility_w × sqrt(w), 1e-6), dimensionless.

    Source: Moskowitz, Ooi, Pedersen, Time series momentum, Journal of Financial Economics 104 (2012), eq. 2 (returns
    scaled by their ex-ante volatility). State does not drift.

    >>> from tradefleet_bot.core.events import Quote
    >>> feature = Momentum(Pool(), 5 * SECOND)
    >>> for second in range(7):
    ...     bid = 100.0 + second
    ...     feature.update(Quote(second * SECOND, second * SECOND, "BTCUSDT", bid, 1.0, bid, 1.0))
    >>> round(feature.get(6 * SECOND + SECOND // 2), 2)  # rose in each of 5 seconds: about sqrt(5)
    2.24
    """

    def __init__(self, pool: Pool, window: int) -> None:
        self._return = Return(pool, window)
        self._volatility = Volatility(pool, window)
        self._scale = sqrt(window / SECOND)
        super().__init__(*self._return.sources)

    def get(self, at: int) -> float | None:
        moved = self._return.get(at)
        volatility = self._volatility.get(at)
        if moved is None or volatility is None:
            return None
        return moved / max(volatility * self._scale, FLOOR)


SPECS: Final = tuple(
    FeatureSpec(
        name=f"momentum_{seconds(window)}",
        unit="1",
        formula=f"return_{seconds(window)} / max(volatility_{seconds(window)} × sqrt({window // SECOND}), 1e-6)",
        reference="Moskowitz, Ooi, Pedersen 2012, eq. 2",
        inputs=frozenset({"quote"}),
        window=window + sampling_step(window),
        version=1,
        factory=partial(Momentum, window=window),
    )
    for window in (5 * SECOND, 20 * SECOND, 60 * SECOND)
)

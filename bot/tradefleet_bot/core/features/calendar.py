"""Where in the day we are, on a circle, so that midnight is next to 23:59."""

from functools import partial
from math import cos, pi, sin
from typing import Final

from tradefleet_bot.core.features.sources.base import SECOND
from tradefleet_bot.core.features.spec import Feature, FeatureSpec, Pool

DAY: Final = 86_400 * SECOND


class TimeOfDay(Feature):
    """sin or cos of 2π × (seconds since midnight UTC / 86400), from engine time; always known.

    Source: Andersen, Bollerslev, Intraday periodicity and volatility persistence, J. Empirical Finance 4 (1997)
    (sinusoids for the intraday pattern).

    >>> TimeOfDay(Pool(), sine=True).get(DAY // 4), TimeOfDay(Pool(), sine=False).get(DAY)
    (1.0, 1.0)
    """

    def __init__(self, pool: Pool, *, sine: bool) -> None:  # noqa: ARG002  (every feature is made from a pool)
        self._wave = sin if sine else cos
        super().__init__()

    def get(self, at: int) -> float | None:
        return self._wave(2 * pi * (at % DAY) / DAY)


SPECS: Final = tuple(
    FeatureSpec(
        name=f"time_of_day_{wave}",
        unit="1",
        formula=f"{wave}(2π × time since midnight UTC / 24 h)",
        reference="Andersen, Bollerslev 1997",
        inputs=frozenset(),
        window=0,
        version=1,
        factory=partial(TimeOfDay, sine=wave == "sin"),
    )
    for wave in ("sin", "cos")
)

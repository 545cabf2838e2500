"""Trade flow: which side the aggressors are on, and how often they trade."""

from functools import partial
from typing import Final

from tradefleet_bot.core.features.sources.base import SECOND
from tradefleet_bot.core.features.sources.trades import BOUGHT, COUNT, SOLD, TradeSource
from tradefleet_bot.core.features.spec import Feature, FeatureSpec, Pool, seconds


class FlowImbalance(Feature):
    """(bought - sold) / (bought + sold), quantities by aggressor, -1 to 1; missing while the window has no trade.

    Source: Chordia, Roll, Subrahmanyam, Order imbalance, liquidity, and market returns, Journal of Financial Economics
    65 (2002). State does not drift (see sources/grid.py).

    >>> from tradefleet_bot.core.events import Trade
    >>> feature = FlowImbalance(Pool(), SECOND)
    >>> for second, quantity, side in ((0, 9.0, "BUY"), (1, 3.0, "BUY"), (2, 1.0, "SELL")):
    ...     feature.update(Trade(second * SECOND, second * SECOND, "BTCUSDT", 100.0, quantity, side))
    >>> feature.get(2 * SECOND)
    0.5
    """

    def __init__(self, pool: Pool, window: int) -> None:
        self._trades = pool.source(TradeSource)
        self._window = window
        super().__init__(self._trades)

    def get(self, at: int) -> float | None:
        now = self._trades.now(at)
        if now is None:
            return None
        sums = self._trades.sums
        bought = sums.total(BOUGHT, now, self._window)
        sold = sums.total(SOLD, now, self._window)
        if bought is None or sold is None or bought + sold <= 0.0:
            return None
        return (bought - sold) / (bought + sold)


class TradeRate(Feature):
    """Trades in the window / w, per second; 0 is a fact once the window is covered.

    Source: the intensity of a point process by its count, Hautsch, Econometrics of Financial High-Frequency Data
    (2012), 4.1. Counts are exact.

    >>> from tradefleet_bot.core.events import Trade
    >>> feature = TradeRate(Pool(), 5 * SECOND)
    >>> for tenth in range(61):
    ...     feature.update(Trade(tenth * SECOND // 10, tenth * SECOND // 10, "BTCUSDT", 100.0, 1.0, "BUY"))
    >>> feature.get(6 * SECOND)  # the window reaches from 1 s to 6 s, both included
    10.2
    """

    def __init__(self, pool: Pool, window: int) -> None:
        self._trades = pool.source(TradeSource)
        self._window = window
        super().__init__(self._trades)

    def get(self, at: int) -> float | None:
        now = self._trades.now(at)
        if now is None:
            return None
        count = self._trades.sums.total(COUNT, now, self._window)
        return None if count is None else count * SECOND / self._window


SPECS: Final = (
    *(
        FeatureSpec(
            name=f"flow_imbalance_{seconds(window)}",
            unit="ratio",
            formula=f"(bought - sold) / (bought + sold) over {seconds(window)}, by aggressor",
            reference="Chordia, Roll, Subrahmanyam 2002",
            inputs=frozenset({"trade"}),
            window=window,
            version=1,
            factory=partial(FlowImbalance, window=window),
        )
        for window in (1 * SECOND, 5 * SECOND, 20 * SECOND, 60 * SECOND)
    ),
    *(
        FeatureSpec(
            name=f"trade_rate_{seconds(window)}",
            unit="1/s",
            formula=f"trades over {seconds(window)} / {window // SECOND} s",
            reference="Hautsch 2012, 4.1",
            inputs=frozenset({"trade"}),
            window=window,
            version=1,
            factory=partial(TradeRate, window=window),
        )
        for window in (5 * SECOND, 20 * SECOND, 60 * SECOND)
    ),
)

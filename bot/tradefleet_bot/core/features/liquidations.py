"""Liquidation intensity: how much notional a second is force-closed, by the side that loses."""

from functools import partial
from typing import Final

from tradefleet_bot.core.features.sources.base import SECOND
from tradefleet_bot.core.features.sources.liquidations import LONGS, SHORTS, LiquidationSource
from tradefleet_bot.core.features.spec import Feature, FeatureSpec, Pool, seconds


class LiquidationIntensity(Feature):
    """Liquidated notional in the window / w, quote currency per second; `side` is LONGS or SHORTS.

    Missing until the stream is known to have been up for the whole window; then 0 is a fact.
    Source: forced sales as their own flow, Brunnermeier, Pedersen, Market Liquidity and Funding Liquidity, RFS 22
    (2009). State does not drift (see sources/grid.py).

    >>> from tradefleet_bot.core.events import FeedState, Liquidation
    >>> feature = LiquidationIntensity(Pool(), 60 * SECOND, LONGS)
    >>> feature.update(FeedState(0, "BTCUSDT", "liquidation", True))
    >>> feature.get(30 * SECOND), feature.get(60 * SECOND)
    (None, 0.0)
    >>> feature.update(Liquidation(61 * SECOND, 61 * SECOND, "BTCUSDT", 100.0, 3.0, "SELL"))
    >>> feature.get(62 * SECOND)
    5.0
    """

    def __init__(self, pool: Pool, window: int, side: int) -> None:
        self._liquidations = pool.source(LiquidationSource)
        self._window = window
        self._side = side
        super().__init__(self._liquidations)

    def get(self, at: int) -> float | None:
        now = self._liquidations.now(at)
        if now is None:
            return None
        total = self._liquidations.sums.total(self._side, now, self._window)
        return None if total is None else total * SECOND / self._window


SPECS: Final = tuple(
    FeatureSpec(
        name=f"liquidation_{name}_{seconds(window)}",
        unit="quote/s",
        formula=f"Σ price × quantity of liquidated {name}s over {seconds(window)} / {window // SECOND} s",
        reference="Brunnermeier, Pedersen 2009",
        inputs=frozenset({"liquidation"}),
        window=window,
        version=1,
        factory=partial(LiquidationIntensity, window=window, side=side),
    )
    for name, side in (("long", LONGS), ("short", SHORTS))
    for window in (60 * SECOND, 300 * SECOND)
)

"""What one quote says: spread, imbalance, and where its quantities pull the price."""

from typing import Final

from tradefleet_bot.core.features.sources.quotes import QuoteSource
from tradefleet_bot.core.features.spec import Feature, FeatureSpec, Pool


class Spread(Feature):
    """(ask - bid) / mid, a ratio. Source: Roll 1984 and any text since; quoted relative spread.

    >>> from tradefleet_bot.core.events import Quote
    >>> feature = Spread(Pool())
    >>> feature.update(Quote(0, 0, "BTCUSDT", 99.0, 1.0, 101.0, 3.0))
    >>> feature.get(0)
    0.02
    """

    def __init__(self, pool: Pool) -> None:
        self._quotes = pool.source(QuoteSource)
        super().__init__(self._quotes)

    def get(self, at: int) -> float | None:
        quote = self._quotes.fresh(at)
        return None if quote is None else (quote.ask - quote.bid) / self._quotes.mids.last


class QuoteImbalance(Feature):
    """(bid quantity - ask quantity) / their sum at the best prices, -1 to 1; missing when both are zero.

    Source: Cont, Kukanov, Stoikov, The price impact of order book events, J. Financial Econometrics 12 (2014).

    >>> from tradefleet_bot.core.events import Quote
    >>> feature = QuoteImbalance(Pool())
    >>> feature.update(Quote(0, 0, "BTCUSDT", 99.0, 1.0, 101.0, 3.0))
    >>> feature.get(0)
    -0.5
    """

    def __init__(self, pool: Pool) -> None:
        self._quotes = pool.source(QuoteSource)
        super().__init__(self._quotes)

    def get(self, at: int) -> float | None:
        quote = self._quotes.fresh(at)
        if quote is None or (total := quote.bid_quantity + quote.ask_quantity) <= 0.0:
            return None
        return (quote.bid_quantity - quote.ask_quantity) / total


class MicropriceDeviation(Feature):
    """(microprice - mid) / mid, a ratio; microprice weighs bid and ask by the other side's quantity.

    Equal to imbalance × spread / 2, and computed so: the difference of two near prices would lose digits.
    Source: Gatheral, Oomen, Zero-intelligence realized variance estimation, Finance and Stochastics 14 (2010), eq. 1.

    >>> from tradefleet_bot.core.events import Quote
    >>> feature = MicropriceDeviation(Pool())
    >>> feature.update(Quote(0, 0, "BTCUSDT", 99.0, 1.0, 101.0, 3.0))
    >>> feature.get(0)  # microprice (99 × 3 + 101 × 1) / 4 = 99.5
    -0.005
    """

    def __init__(self, pool: Pool) -> None:
        self._imbalance = QuoteImbalance(pool)
        self._spread = Spread(pool)
        super().__init__(*self._imbalance.sources)

    def get(self, at: int) -> float | None:
        imbalance = self._imbalance.get(at)
        spread = self._spread.get(at)
        return None if imbalance is None or spread is None else imbalance * spread / 2


SPECS: Final = (
    FeatureSpec(
        name="spread",
        unit="ratio",
        formula="(ask - bid) / mid",
        reference="Roll 1984",
        inputs=frozenset({"quote"}),
        window=0,
        version=1,
        factory=Spread,
    ),
    FeatureSpec(
        name="quote_imbalance",
        unit="ratio",
        formula="(bid quantity - ask quantity) / (bid quantity + ask quantity), best prices",
        reference="Cont, Kukanov, Stoikov 2014",
        inputs=frozenset({"quote"}),
        window=0,
        version=1,
        factory=QuoteImbalance,
    ),
    FeatureSpec(
        name="microprice_deviation",
        unit="ratio",
        formula="(microprice - mid) / mid, microprice = (bid × ask quantity + ask × bid quantity) / both quantities",
        reference="Gatheral, Oomen 2010, eq. 1",
        inputs=frozenset({"quote"}),
        window=0,
        version=1,
        factory=MicropriceDeviation,
    ),
)

"""What the venue says about a symbol, and the one place where exact integers become text and back.

Inside the simulator a price is an integer number of ticks, a quantity an integer number of lots and money an integer
number of units of 1e-8 USDT (Binance shows eight decimals); so sums are exact and compare byte for byte.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final

MONEY_DECIMALS: Final = 8
MONEY: Final = 10**MONEY_DECIMALS  # units in one USDT
_REMEMBERED: Final = 500_000


@dataclass(frozen=True, slots=True)
class Bracket:
    """One step of the leverage table: notional up to `cap` (USDT) at `maintenance` parts per million and `leverage`.

    `cum` (money units) makes the maintenance margin continuous: cum_n = floor_n·(MMR_n - MMR_{n-1}) + cum_{n-1}.
    """

    leverage: int
    cap: int
    maintenance_ppm: int
    floor: int
    cum: int


def brackets(steps: tuple[tuple[int, int, int], ...]) -> tuple[Bracket, ...]:
    """The table from (cap USDT, maintenance ppm, max leverage) rows, with floors and cums by the venue's rule."""
    table: list[Bracket] = []
    floor, previous, cum = 0, 0, 0
    for cap, ppm, leverage in steps:
        cum += floor * MONEY * (ppm - previous) // 1_000_000 if table else 0
        table.append(Bracket(leverage, cap, ppm, floor, cum))
        floor, previous = cap, ppm
    return tuple(table)


# Binance BTCUSDT in October 2024 (exchange-protocols.md A9).
BTC_BRACKETS: Final = brackets(
    (
        (50_000, 4_000, 125),
        (600_000, 5_000, 100),
        (3_000_000, 6_500, 75),
        (12_000_000, 10_000, 50),
        (70_000_000, 20_000, 25),
    )
)


class _Texts(dict[int, str]):
    """Multiples of a step as text, remembered: a book has few distinct prices, and this is asked for each of them."""

    def __init__(self, step: Decimal) -> None:
        super().__init__()
        self._step = step

    def __missing__(self, count: int) -> str:
        if len(self) > _REMEMBERED:
            self.clear()
        text = self[count] = format(count * self._step, "f")
        return text


@dataclass(frozen=True, slots=True)
class Instrument:
    """A linear perpetual. `tick` and `lot` are exact decimals; all other prices are in ticks, quantities in lots."""

    symbol: str
    base: str
    tick: Decimal
    lot: Decimal
    min_price: int
    max_price: int
    max_lots: int
    max_market_lots: int
    min_notional: int  # USDT
    typical_price: Decimal  # where a generated market begins
    brackets: tuple[Bracket, ...] = BTC_BRACKETS
    price_band_ppm: int = 50_000  # PERCENT_PRICE: 5 % around the mark price
    maker_ppm: int = 200
    taker_ppm: int = 500
    liquidation_fee_ppm: int = 12_500
    max_orders: int = 200
    funding_interval_ms: int = 8 * 3_600_000
    price_text: Callable[[int], str] = field(init=False, repr=False, compare=False)
    """'61800.20' for 618002 ticks of 0.10."""
    lots_text: Callable[[int], str] = field(init=False, repr=False, compare=False)
    """'2.507' for 2507 lots of 0.001."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "price_text", _Texts(self.tick).__getitem__)
        object.__setattr__(self, "lots_text", _Texts(self.lot).__getitem__)

    @property
    def quote(self) -> str:
        return "USDT"

    @property
    def price_decimals(self) -> int:
        """Decimals that the venue prints: one more than the tick needs for BTCUSDT (tick 0.10, prices "60000.10")."""
        return -int(self.tick.as_tuple().exponent)

    @property
    def lot_decimals(self) -> int:
        return -int(self.lot.as_tuple().exponent)

    @property
    def unit(self) -> int:
        """Money units of one tick times one lot."""
        return int(self.tick * self.lot * MONEY)

    def ticks(self, price: Decimal) -> int | None:
        """Whole ticks of `price`, or None where it lies between two."""
        ticks = price / self.tick
        return int(ticks) if ticks == ticks.to_integral_value() else None

    def lots(self, quantity: Decimal) -> int | None:
        """Whole lots of `quantity`, or None where it lies between two."""
        lots = quantity / self.lot
        return int(lots) if lots == lots.to_integral_value() else None

    def notional(self, ticks: int, lots: int) -> int:
        """Money units."""
        return ticks * lots * self.unit


BTCUSDT: Final = Instrument(
    "BTCUSDT", "BTC", Decimal("0.10"), Decimal("0.001"), 5568, 45_297_640, 1_000_000, 120_000, 50, Decimal(60_000)
)
ETHUSDT: Final = Instrument(
    "ETHUSDT", "ETH", Decimal("0.01"), Decimal("0.001"), 3986, 30_617_700, 10_000_000, 2_000_000, 20, Decimal(2_500)
)
INSTRUMENTS: Final = {instrument.symbol: instrument for instrument in (BTCUSDT, ETHUSDT)}


def money_text(units: int) -> str:
    """'10000.00000000' for 10,000 USDT."""
    sign, units = ("-", -units) if units < 0 else ("", units)
    return f"{sign}{units // MONEY}.{units % MONEY:0{MONEY_DECIMALS}d}"


def money(amount: Decimal) -> int:
    """Money units of an amount of USDT, rounded toward zero."""
    return int(amount * MONEY)

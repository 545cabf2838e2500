"""What a paper venue costs, and what a restart must not lose of it."""

from decimal import Decimal

from msgspec import Struct

from tradefleet_bot.core.paper.order import PaperOrder


class PaperConfig(Struct, frozen=True, array_like=True):
    """Money in quote, fees as ratios of notional, latency one way in ns."""

    wallet: Decimal = Decimal(10_000)
    taker_fee: Decimal = Decimal("0.0005")
    maker_fee: Decimal = Decimal("0.0002")
    latency: int = 25_000_000
    leverage: int = 20


class PaperSnapshot(Struct, frozen=True, array_like=True):
    """Keep it beside the journal, give it back to the constructor."""

    wallet: Decimal
    number: int
    """Of the last order or execution."""
    positions: tuple[tuple[str, Decimal, Decimal], ...]
    """Symbol, signed quantity, entry price."""
    orders: tuple[PaperOrder, ...]
    leverage: tuple[tuple[str, int], ...]

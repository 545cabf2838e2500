"""What must survive a restart and cannot be asked of the venue: latches, the day's figures, the high-water mark."""

from decimal import Decimal

from msgspec import Struct

from tradefleet_bot.core.limits import Route


class Latch(Struct, frozen=True, array_like=True):
    """A tripped control: no new risk until a person re-arms it."""

    name: str
    reason: str
    at: int


class Figures(Struct, frozen=True, array_like=True):
    """What risk remembers of one route's account. `day` counts UTC days since the epoch; money in quote."""

    route: Route
    day: int = 0
    day_start_equity: Decimal | None = None
    trades_today: int = 0
    consecutive_losses: int = 0
    high_water: Decimal | None = None
    realized: Decimal = Decimal(0)
    """All-time, net of fees and funding."""


class Carry(Struct, frozen=True, array_like=True):
    """The durable part of the engine's state."""

    latches: tuple[Latch, ...] = ()
    figures: tuple[Figures, ...] = ()
    rearm: str = ""
    """The last re-arm token obeyed."""

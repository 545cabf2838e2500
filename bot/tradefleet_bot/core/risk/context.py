"""Everything the checks may look at, gathered once an order: plain values, so that a check is a comparison."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from tradefleet_bot.core.events import Instrument
from tradefleet_bot.core.limits import Limits

TradingState = Literal["Disabled", "Running", "Paused", "ReduceOnly", "Flatten"]


@dataclass(frozen=True, slots=True)
class Context:
    """One symbol at one moment. Quantities in base units, money in quote, ratios of `basis`; None is unknown."""

    at: int
    limits: Limits
    state: TradingState
    state_reason: str
    fresh: bool
    """The orders from above were read within their lifetime."""
    wrong_model: str | None
    """A sentence where the mandate names another bundle than the one loaded."""
    quorum_lost: bool
    latch: str | None
    """The first tripped latch, in words."""
    feed_fault: str | None
    """A sentence where a required stream is down or stale."""
    account_fault: str | None
    """A sentence where the account is not reconciled, its stream is down, or an order's fate is unknown."""
    busy: str | None
    """A sentence where orders of this symbol are still open that must end before a new entry."""
    instrument: Instrument | None
    bid: Decimal | None
    ask: Decimal | None
    mark: Decimal | None
    atr: Decimal | None
    position: Decimal
    """Signed."""
    entry: Decimal
    stop: Decimal | None
    """Trigger of the confirmed protective stop."""
    in_flight: Decimal
    """Unsigned: what open entry orders of this symbol may still add."""
    gross_others: Decimal
    """Notional of the account's other positions and of their entries in flight."""
    equity: Decimal | None
    basis: Decimal | None
    """The smaller of equity and the capital of the mandate: what sizes are computed on."""
    liquidation: Decimal | None
    day_start_equity: Decimal | None
    high_water: Decimal | None
    trades_today: int
    """Including entries in flight."""
    consecutive_losses: int
    orders_last_minute: int

    @property
    def mid(self) -> Decimal | None:
        return (self.bid + self.ask) / 2 if self.bid is not None and self.ask is not None else None

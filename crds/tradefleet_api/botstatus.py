"""BotStatus: what a bot reports at `/status`; the operator acts on this, not on hope."""

from typing import Literal

from pydantic import Field

from tradefleet_api.base import Contract
from tradefleet_api.names import Arm
from tradefleet_api.tradingbot import Mode, TradingState


class PositionReport(Contract):
    """One open position; quantity is signed, in base units, exact decimal text."""

    symbol: str
    quantity: str
    entry_price: str
    unrealized_quote: float | None = None
    """None while the price is unknown."""
    stop_price: str | None = None
    """Trigger price of the confirmed protective stop; None while there is none."""


class DecisionReport(Contract):
    """The last decision and why: the action taken, and the reason it was taken or refused."""

    time: str
    symbol: str
    action: Literal["HOLD", "OPEN_LONG", "OPEN_SHORT", "ADD", "REDUCE", "CLOSE"]
    outcome: Literal["approved", "refused", "held"]
    reason: str
    score: float | None = None
    """The ensemble's score in -1..1; None when there is none."""


class BotStatus(Contract):
    """The state of one bot process."""

    namespace: str
    name: str
    arm: Arm
    model: str
    model_digest: str
    """SHA-256 of the bundle that is loaded, measured by the bot itself."""
    mode: Mode
    trading_state: TradingState
    mandate_sequence: int | None = None
    """The mandate obeyed; None before the first."""
    orders_fresh: bool
    """False once the mandate's lifetime has passed since the last successful read of the TradingBot."""
    connected: bool
    warm: bool
    """Every required feature of every symbol has enough history and is fresh."""
    reconciled: bool
    """Orders, positions and balance agree with the venue (always true on paper)."""
    flat: bool
    """No position and no working order."""
    halted: str | None = None
    """Why no new risk is taken (latch, stale feed, lost mandate, member lost), or None."""
    equity_quote: float | None = None
    realized_quote: float | None = None
    drawdown_ratio: float | None = None
    orders_sent: int = 0
    fills: int = 0
    open_orders: int = 0
    refusals: dict[str, int] = Field(default_factory=dict)
    errors: int = 0
    positions: list[PositionReport] = Field(default_factory=list)
    last_decision: DecisionReport | None = None
    started_at: str
    event_time: str | None = None

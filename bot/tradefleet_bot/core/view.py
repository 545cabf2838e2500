"""A cheap picture of the engine for `/status` and the metrics; making it changes nothing."""

from decimal import Decimal

from msgspec import Struct

from tradefleet_bot.core.commands import Record


class PositionView(Struct, frozen=True, array_like=True):
    """One open position; `quantity` is signed, `stop_price` None while no confirmed stop protects it."""

    symbol: str
    quantity: Decimal
    entry_price: Decimal
    unrealized_quote: Decimal | None
    stop_price: Decimal | None


class EngineView(Struct, frozen=True, array_like=True):
    """The engine at one moment; money in the account's currency; None is unknown, never zero."""

    at: int
    """Engine time of the last event, ns; 0 before the first."""
    mode: str
    trading_state: str
    """Effective: the most severe of trading state, halt, deletion."""
    mandate_sequence: int | None
    orders_fresh: bool
    connected: bool
    """Every required stream of every symbol is up and fresh."""
    warm: bool
    """At the last decision of every symbol no required feature was missing."""
    reconciled: bool
    flat: bool
    settling: bool
    """A change of route is under way: cancelled, not yet settled."""
    halted: str | None
    """Why no new risk is taken, or None."""
    latches: tuple[str, ...]
    equity_quote: Decimal | None
    realized_quote: Decimal
    drawdown_ratio: float | None
    daily_loss_ratio: float | None
    orders_sent: int
    fills: int
    trades_today: int
    open_orders: int
    refusals: dict[str, int]
    """Count by the refusing check's name."""
    errors: int
    quorum_lost: bool
    positions: tuple[PositionView, ...]
    last_decision: Record | None

"""From what a person and the operator wrote to what the engine obeys: the stricter of the two in every limit."""

from decimal import Decimal
from typing import Final, Literal

from tradefleet_api.botconfig import StaticOrders
from tradefleet_api.duration import seconds
from tradefleet_api.mandate import Mandate
from tradefleet_api.tradingbot import Execution, Mode, Risk, TradingBotSpec
from tradefleet_bot.core.events import Directive
from tradefleet_bot.core.limits import Limits
from tradefleet_bot.core.risk.context import TradingState

_MODES: Final[tuple[Mode, ...]] = ("paper", "hybrid", "live")
_SECOND: Final = 1_000_000_000


def nanoseconds(duration: str) -> int:
    """A duration as users write it, in ns."""
    return round(seconds(duration) * _SECOND)


def limits(risk: Risk, execution: Execution, mandate: Mandate | None = None) -> Limits:
    """The limits in force; a mandate can only tighten them."""
    position, leverage = risk.max_position_ratio, risk.max_leverage
    if mandate is not None:
        position, leverage = min(position, mandate.max_position_ratio), min(leverage, mandate.max_leverage)
    return Limits(
        max_position_ratio=_exact(position),
        risk_per_trade_ratio=_exact(risk.risk_per_trade_ratio),
        stop_atr=_exact(risk.stop_atr),
        min_stop_ratio=_exact(risk.min_stop_ratio),
        take_profit_atr=_exact(risk.take_profit_atr),
        max_leverage=_exact(leverage),
        max_daily_loss_ratio=_exact(risk.max_daily_loss_ratio),
        max_drawdown_ratio=_exact(risk.max_drawdown_ratio),
        max_consecutive_losses=risk.max_consecutive_losses,
        max_trades_per_day=risk.max_trades_per_day,
        min_liquidation_distance_ratio=_exact(risk.min_liquidation_distance_ratio),
        price_collar_ratio=_exact(risk.price_collar_ratio),
        max_orders_per_minute=risk.max_orders_per_minute,
        stale_after=nanoseconds(risk.stale_after),
        stop_confirm_timeout=nanoseconds(execution.stop_confirm_timeout),
        order_timeout=nanoseconds(execution.order_timeout),
    )


def from_bot(
    at: int,
    spec: TradingBotSpec,
    mandate: Mandate | None,
    *,
    halt: str | None = None,
    fresh: bool = True,
    deleting: bool = False,
    rearm: str = "",
) -> Directive | None:
    """The directive of a bot in a cluster; None while the operator has given its arm no mandate: then no trading.

    The effective mode is the more careful of spec and mandate. An unknown value of the halt annotation means Flatten:
    somebody reached for the kill switch, and the strongest reading is the safe one.
    """
    if mandate is None:
        return None
    mode = _MODES[min(_MODES.index(spec.mode), _MODES.index(mandate.mode))]
    return Directive(
        at=at,
        mode=mode,
        trading_state=spec.trading_state or ("Running" if mode == "paper" else "Paused"),
        limits=limits(spec.risk, spec.execution, mandate),
        capital_quote=_exact(mandate.capital_quote),
        sequence=mandate.sequence,
        model_digest=mandate.model_digest,
        halt=_halt(halt),
        fresh=fresh,
        deleting=deleting,
        deletion_policy=spec.deletion_policy,
        rearm=rearm,
        live_symbols=tuple(spec.live_symbols or ()),
    )


def from_static(at: int, orders: StaticOrders) -> Directive:
    """The directive of a bot without a cluster."""
    return Directive(
        at=at,
        mode=orders.mode,
        trading_state=orders.trading_state,
        limits=limits(orders.risk, orders.execution),
        capital_quote=_exact(orders.capital_quote),
    )


def trading_state(directive: Directive | None) -> tuple[TradingState, str]:
    """The most severe of trading state, halt and deletion, and whose it is."""
    if directive is None:
        return "Disabled", "no orders from above yet"
    if directive.halt == "Flatten":
        return "Flatten", "the halt annotation says Flatten"
    if directive.deleting and directive.deletion_policy == "Flatten":
        return "Flatten", "the TradingBot is being deleted"
    if directive.trading_state == "Flatten":
        return "Flatten", "tradingState"
    if directive.halt is not None:
        return "Paused", f"the halt annotation says {directive.halt}"
    if directive.deleting:
        return "Paused", "the TradingBot is being deleted, its positions stay"
    return directive.trading_state, "tradingState"


def _halt(text: str | None) -> Literal["Pause", "Cancel", "Flatten"] | None:
    if not text:
        return None
    if text == "Pause":
        return "Pause"
    return "Cancel" if text == "Cancel" else "Flatten"


def _exact(value: float) -> Decimal:
    return Decimal(repr(value))

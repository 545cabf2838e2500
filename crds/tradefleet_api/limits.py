"""Risk and Execution: the limits that a TradingBot sets for its bot."""

from typing import Annotated, ClassVar

from pydantic import Field

from tradefleet_api.base import Contract
from tradefleet_api.duration import Duration, between
from tradefleet_api.rules import Rule
from tradefleet_api.scalars import Ratio


class Risk(Contract):
    """Limits, enforced by the bot before every order; a smaller limit of the mandate wins. Ratios are of equity unless
    said otherwise."""

    RULES: ClassVar = (
        Rule(
            "self.riskPerTradeRatio <= self.maxPositionRatio",
            "riskPerTradeRatio must not be more than maxPositionRatio: a trade cannot lose more than its size",
            lambda risk: risk.risk_per_trade_ratio <= risk.max_position_ratio,
            ".riskPerTradeRatio",
        ),
        Rule(
            "self.takeProfitAtr > self.stopAtr",
            "takeProfitAtr must be greater than stopAtr",
            lambda risk: risk.take_profit_atr > risk.stop_atr,
            ".takeProfitAtr",
        ),
        Rule(
            "self.maxDailyLossRatio <= self.maxDrawdownRatio",
            "maxDailyLossRatio must not be more than maxDrawdownRatio, or it would never bind",
            lambda risk: risk.max_daily_loss_ratio <= risk.max_drawdown_ratio,
            ".maxDailyLossRatio",
        ),
    )

    max_position_ratio: Annotated[float, Field(gt=0, le=1)] = 0.2
    """Largest notional of one symbol's position."""
    risk_per_trade_ratio: Annotated[float, Field(gt=0, le=0.1)] = 0.02
    """Largest loss of a trade at its protective stop."""
    stop_atr: Annotated[float, Field(gt=0, le=20)] = 1.5
    """Distance of the protective stop from the entry, in average true ranges."""
    min_stop_ratio: Annotated[float, Field(gt=0, le=0.2)] = 0.002
    """The protective stop is at least this far from the entry, as a ratio of its price."""
    take_profit_atr: Annotated[float, Field(gt=0, le=50)] = 3.0
    """Distance of the take-profit from the entry, in average true ranges."""
    max_leverage: Annotated[float, Field(ge=1, le=20)] = 3
    """Largest sum of all positions' notionals, as a multiple of equity."""
    max_daily_loss_ratio: Annotated[float, Field(gt=0, le=1)] = 0.03
    """Loss since 00:00 UTC at which no new risk is taken until the next day."""
    max_drawdown_ratio: Annotated[float, Field(gt=0, le=1)] = 0.2
    """Fall from the highest equity at which no new risk is taken until a person says so."""
    max_consecutive_losses: Annotated[int, Field(ge=1, le=1000)] = 5
    """Losing trades in a row at which no new risk is taken until a person says so."""
    max_trades_per_day: Annotated[int, Field(ge=1, le=100_000)] = 20
    """Entries since 00:00 UTC."""
    min_liquidation_distance_ratio: Ratio = 0.15
    """Smallest distance of the liquidation price from the mark price, as a ratio of the mark price."""
    price_collar_ratio: Annotated[float, Field(gt=0, le=0.2)] = 0.01
    """An order's price may be this far from the mid price (and the mark price, where known), as a ratio of it."""
    max_orders_per_minute: Annotated[int, Field(ge=1, le=1200)] = 30
    """Orders sent in any minute; orders that reduce a position are never held back by it."""
    stale_after: Annotated[Duration, between("500ms", "1m")] = "5s"
    """Market data older than this means no new risk."""


class Execution(Contract):
    """How approved orders reach the venue."""

    stop_confirm_timeout: Annotated[Duration, between("1s", "1m")] = "5s"
    """A protective stop not confirmed within this time flattens the position, reduce-only."""
    order_timeout: Annotated[Duration, between("1s", "1m")] = "10s"
    """An order without an answer is queried by its client id after this time, never sent again blindly."""

"""The limits in force, as the core uses them: durations in nanoseconds, ratios exact.

`core/directive.py` makes them from a TradingBot's spec and its mandate; where both name a limit, the stricter wins.
"""

from decimal import Decimal
from typing import Literal

from msgspec import Struct

Route = Literal["paper", "live"]
"""Where an order goes: the paper venue inside the bot, or the venue on the wire."""


class Limits(Struct, frozen=True, array_like=True):
    """Ratios are of equity unless said otherwise; durations in nanoseconds; see `tradefleet_api.tradingbot.Risk`."""

    max_position_ratio: Decimal
    risk_per_trade_ratio: Decimal
    stop_atr: Decimal
    min_stop_ratio: Decimal
    take_profit_atr: Decimal
    max_leverage: Decimal
    max_daily_loss_ratio: Decimal
    max_drawdown_ratio: Decimal
    max_consecutive_losses: int
    max_trades_per_day: int
    min_liquidation_distance_ratio: Decimal
    price_collar_ratio: Decimal
    max_orders_per_minute: int
    stale_after: int
    stop_confirm_timeout: int
    order_timeout: int

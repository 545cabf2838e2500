"""The mandate: the bot's orders from above, written by the operator to `status.mandates[arm]`, obeyed by the bot."""

from typing import Literal

from tradefleet_api.base import Contract


class Mandate(Contract):
    """What one arm may do. The bot obeys the stricter of this and its TradingBot's `spec`.

    The mandate expires `lifetime_seconds` after the bot's last successful read of its TradingBot (not after the
    operator's last write): then no new risk, while protective stops stay.
    """

    sequence: int
    """Grows with each change; the bot reports the one it obeys."""
    model_digest: str
    mode: Literal["paper", "hybrid", "live"]
    capital_quote: float
    """Capital the arm may use, in the account's currency."""
    max_leverage: float
    max_position_ratio: float
    lifetime_seconds: int = 120

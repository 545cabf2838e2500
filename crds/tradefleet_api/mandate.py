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
    """SHA-256 of the bundle that the arm is to run."""
    mode: Literal["paper", "hybrid", "live"]
    """Effective mode: the spec's is a ceiling."""
    capital_quote: float
    """Capital the arm may use, in the account's currency."""
    max_leverage: float
    """Largest sum of all positions' notionals, as a multiple of equity."""
    max_position_ratio: float
    """Largest notional of one symbol's position, as a ratio of equity."""
    lifetime_seconds: int = 120
    """How long it holds after the bot's last successful read."""

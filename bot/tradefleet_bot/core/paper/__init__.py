"""The paper venue: a pessimistic exchange inside the bot; the same commands in, the same events out as the real one."""

from tradefleet_bot.core.paper.config import PaperConfig, PaperSnapshot
from tradefleet_bot.core.paper.venue import PaperVenue

__all__ = ["PaperConfig", "PaperSnapshot", "PaperVenue"]

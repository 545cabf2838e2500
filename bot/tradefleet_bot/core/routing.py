"""Which route a symbol belongs on by its directive: paper, live, or by name under hybrid."""

from tradefleet_bot.core.events import Directive
from tradefleet_bot.core.limits import Route


def target_route(directive: Directive | None, symbol: str) -> Route | None:
    """None before the first directive."""
    if directive is None:
        return None
    if directive.mode == "live" or (directive.mode == "hybrid" and symbol in directive.live_symbols):
        return "live"
    return "paper"

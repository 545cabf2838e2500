"""What the engine is told to do: orders from above, made stricter by what the process itself knows."""

from collections.abc import Callable
from typing import Final

from msgspec.structs import replace

from tradefleet_api.tradingbot import TradingState
from tradefleet_bot.core.events import Directive

_SEVERITY: Final[tuple[TradingState, ...]] = ("Running", "ReduceOnly", "Paused", "Flatten")


class Authority:
    """Holds the last orders and the process's own restriction; emits a Directive whenever the outcome changes."""

    def __init__(self, emit: Callable[[Directive], None]) -> None:
        self.fault: str | None = None
        """Why the process itself restricts trading, for people."""
        self._emit = emit
        self._orders: Directive | None = None
        self._at_least: TradingState = "Running"
        self._told: Directive | None = None

    def order(self, directive: Directive) -> None:
        """Orders from above."""
        self._orders = directive
        self._tell(directive.at)

    def restrict(self, at_least: TradingState, reason: str | None, at: int) -> None:
        """The process's own condition: trade no more freely than this."""
        self.fault = reason
        if at_least != self._at_least:
            self._at_least = at_least
            self._tell(at)

    def _tell(self, at: int) -> None:
        if self._orders is None:
            return
        stricter = max(self._orders.trading_state, self._at_least, key=_SEVERITY.index)
        directive = replace(self._orders, at=at, trading_state=stricter)
        if self._told is None or replace(self._told, at=at) != directive:
            self._told = directive
            self._emit(directive)

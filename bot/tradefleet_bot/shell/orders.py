"""Orders from above, without I/O: what the bot's own TradingBot says, and whether that is still fresh.

The bot obeys its TradingBot even while the operator is down: halt annotation, trading state, deletion. When it could
not be read for longer than the mandate's lifetime, counted from the last successful read, no new risk is taken.
"""

from typing import Any, Final

import structlog
from msgspec import structs
from pydantic import ValidationError

from tradefleet_api.mandate import Mandate
from tradefleet_api.names import ANNOTATION_HALT, ANNOTATION_REARM, Arm
from tradefleet_api.refusal import sentence
from tradefleet_api.tradingbot import TradingBotSpec
from tradefleet_bot.core.directive import from_bot
from tradefleet_bot.core.events import Directive

DEFAULT_LIFETIME: Final = 120.0
_log = structlog.get_logger("orders")


class Orders:
    """The last good reading of one TradingBot, as a Directive. Times are seconds of a monotonic clock."""

    def __init__(self, arm: Arm) -> None:
        self._arm = arm
        self._spec: TradingBotSpec | None = None
        self._mandate: Mandate | None = None
        self._halt: str | None = None
        self._rearm = ""
        self._deleting = False
        self._doubt: str | None = None
        self._read_at: float | None = None
        self._told: Directive | None = None

    def read(self, now: float) -> None:
        """The API answered: what is known is still so."""
        self._read_at = now

    def observe(self, bot: dict[str, Any] | None, now: float) -> None:
        """Take in the object as it is now; None where it does not exist (any more)."""
        self._read_at = now
        if bot is None:
            # Deleting waits for the bot by a finalizer, so an object that vanished was not deleted in order.
            self._doubt = "the TradingBot does not exist"
            return
        metadata = bot.get("metadata") or {}
        annotations = metadata.get("annotations") or {}
        self._halt = annotations.get(ANNOTATION_HALT)
        self._rearm = annotations.get(ANNOTATION_REARM) or ""
        self._deleting = metadata.get("deletionTimestamp") is not None
        try:
            self._spec = TradingBotSpec.model_validate(bot.get("spec"))
            mandates = (bot.get("status") or {}).get("mandates") or {}
            given = mandates.get(self._arm)
            self._mandate = None if given is None else Mandate.model_validate(given)
            self._doubt = None
        except ValidationError as error:
            self._doubt = f"the TradingBot cannot be read: {sentence(error)}"
            _log.error("orders not understood", reason=self._doubt)

    def age(self, now: float) -> float | None:
        """Seconds since the last successful read; None before the first."""
        return None if self._read_at is None else now - self._read_at

    def fresh(self, now: float) -> bool:
        """Whether the orders may be relied on for new risk."""
        lifetime = DEFAULT_LIFETIME if self._mandate is None else self._mandate.lifetime_seconds
        return self._doubt is None and self._read_at is not None and now - self._read_at <= lifetime

    def directive(self, at: int, now: float) -> Directive | None:
        """The directive to obey from engine time `at` on, when it differs from the last one given."""
        if self._spec is None:
            return None
        directive = from_bot(
            at, self._spec, self._mandate, halt=self._halt, fresh=self.fresh(now), deleting=self._deleting,
            rearm=self._rearm,
        )  # fmt: skip
        if directive is None or (self._told is not None and structs.replace(self._told, at=at) == directive):
            return None
        self._told = directive
        return directive

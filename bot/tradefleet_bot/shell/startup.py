"""Starting in order; what fails is retried for ever, and the reason stands in `/readiness`: no crash loop."""

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

import structlog

from tradefleet_api.botconfig import BotConfig
from tradefleet_api.refusal import RefusedError
from tradefleet_bot.core.decision import Model
from tradefleet_bot.core.events import Instrument
from tradefleet_bot.shell import bundle
from tradefleet_bot.venues.backoff import Backoff
from tradefleet_bot.venues.binance import replies, rest, streams
from tradefleet_bot.venues.binance.client import RestClient, VenueError
from tradefleet_bot.venues.binance.codec import DecodeError

RETRY_CAP: Final = 10.0
_T = TypeVar("_T")
_log = structlog.get_logger("startup")


class Startup:
    """`waiting_for` says what a start waits for, and why; None once it is done."""

    def __init__(self, uniform: Callable[[float, float], float]) -> None:
        self.waiting_for: str | None = "starting"
        self._uniform = uniform

    async def step(self, what: str, attempt: Callable[[], Awaitable[_T]]) -> _T:
        """The result of `attempt`, tried until it succeeds."""
        backoff = Backoff(self._uniform, base=0.5, cap=RETRY_CAP)
        while True:
            try:
                return await attempt()
            except (RefusedError, VenueError, DecodeError, OSError, sqlite3.Error) as error:
                reason = f"{what}: {error}"
                if reason != self.waiting_for:
                    _log.warning("not ready", reason=reason)
                self.waiting_for = reason
            await asyncio.sleep(0.2 + backoff.next())


async def model(config: BotConfig, loader: bundle.Load) -> Model:
    """The model, loaded beside the event loop. Raises RefusedError."""
    loaded = await asyncio.to_thread(bundle.load, config, loader)
    _log.info("bundle loaded", digest=loaded.digest, features=len(loaded.features))
    return loaded


async def instruments(config: BotConfig, client: RestClient) -> list[Instrument]:
    """The venue's rules for the bot's symbols. Raises VenueError or DecodeError."""
    body = await client.call(rest.EXCHANGE_INFO)
    return replies.instruments(body, config.symbols, client.clock.now())


async def check_streams(config: BotConfig, client: RestClient, loaded: Model) -> None:
    """Refuse a model that needs what the feed does not offer: found at start, not discovered as silence.

    Raises RefusedError, or VenueError where the venue cannot be asked.
    """
    offered = streams.OFFERED
    if "open_interest" in bundle.streams_of(loaded):
        try:
            await client.call(rest.open_interest(config.symbols[0]))
        except VenueError as error:
            if error.failure.family != "stop":
                raise
            offered -= {"open_interest"}
    lacking = bundle.lacking(loaded, offered)
    if lacking is not None:
        raise RefusedError(lacking)

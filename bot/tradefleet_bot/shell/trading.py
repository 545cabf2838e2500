"""What runs once a bot has started: engine loop, market and account sockets, orders from above, and the tick."""

import asyncio
import time
from collections.abc import Callable
from typing import Final, Literal

import structlog

from tradefleet_api.botconfig import BotConfig
from tradefleet_api.tradingbot import TradingState
from tradefleet_bot.core.commands import Cancel, Command, Place
from tradefleet_bot.core.decision import Model
from tradefleet_bot.core.desk import Desk
from tradefleet_bot.core.directive import from_static, nanoseconds
from tradefleet_bot.core.engine import Engine
from tradefleet_bot.core.events import AccountFeed, CommandFailed, Directive, Event, Instrument, Restored, Stream, Timer
from tradefleet_bot.core.features import FeatureSet
from tradefleet_bot.core.journal.codec import Header, start
from tradefleet_bot.core.paper import PaperConfig, PaperVenue
from tradefleet_bot.core.state import EngineConfig
from tradefleet_bot.shell import bundle
from tradefleet_bot.shell.authority import Authority
from tradefleet_bot.shell.gateway import LiveGateway
from tradefleet_bot.shell.inbox import Inbox
from tradefleet_bot.shell.kube import Api
from tradefleet_bot.shell.loop import EngineLoop
from tradefleet_bot.shell.metrics import Metrics
from tradefleet_bot.shell.orders_source import ClusterOrders
from tradefleet_bot.shell.storage import Storage
from tradefleet_bot.venues.binance import replies, rest, streams
from tradefleet_bot.venues.binance.account import AccountData
from tradefleet_bot.venues.binance.client import RestClient, VenueError
from tradefleet_bot.venues.binance.codec import DecodeError
from tradefleet_bot.venues.binance.market import MarketData

ALWAYS: Final[frozenset[Stream]] = frozenset({"quote", "trade", "mark"})
"""Read whatever the model requires: prices for risk, and what paper fills are made of."""
QUOTE: Final[frozenset[Stream]] = frozenset({"quote"})
STEADY: Final[frozenset[Stream]] = frozenset({"quote", "depth", "mark", "open_interest"})
"""Streams that never rest: a feed without a required one of them is not connected."""
TICK: Final = 0.1
EQUITY_EVERY: Final = 10.0
SETTLE_WITHIN: Final = 5.0
ACCOUNT_RETRY: Final = 10.0
DAY_NS: Final = 86_400 * 1_000_000_000
_log = structlog.get_logger("trading")


class Trading:
    """One engine with everything around it; `run` never returns by itself."""

    def __init__(
        self,
        config: BotConfig,
        model: Model,
        client: RestClient,
        storage: Storage,
        *,
        metrics: Metrics,
        uniform: Callable[[float, float], float],
    ) -> None:
        venue = config.venue
        self.inbox = Inbox(self._overflow)
        self.authority = Authority(self._directed)
        self.storage = storage
        self.cluster: ClusterOrders | None = None
        self.account: AccountData | None = None
        self.required = bundle.streams_of(model)
        self._config = config
        self.client = client
        self._clock = client.clock
        self._uniform = uniform
        self._stopping = False
        self._directed_before = False
        account = venue.account or f"{config.bot.namespace}.{config.bot.name}"
        engine = EngineConfig(account, tuple(config.symbols), nanoseconds(config.decision_interval))
        storage.journal.append(start(Header(engine, model.digest)))
        self.desk = Desk(Engine(engine, model, FeatureSet), PaperVenue(PaperConfig(), storage.paper))
        self.market = MarketData(
            venue.stream, client, config.symbols, self.required | ALWAYS, emit=self.inbox.put, uniform=uniform
        )
        self.loop = EngineLoop(self.desk, self.inbox, storage.journal, storage.ledger, metrics)
        self.loop.on_no_route = self._no_credentials

    async def run(self, instruments: list[Instrument], api: Api | None, *, has_account: bool) -> None:
        """Trade until cancelled; `api` is None where the configuration holds the orders."""
        if self.storage.carry is not None:
            self.inbox.put([Restored(self._clock.now(), self.storage.carry)])
        self.inbox.put(instruments)
        async with asyncio.TaskGroup() as tasks:
            if has_account:
                self.account = self._account()
                self.loop.gateway = LiveGateway(self.client, self.account, self.inbox.put)
                tasks.create_task(self._follow_account(self.account))
            tasks.create_task(self.loop.run())
            tasks.create_task(self.market.run())
            tasks.create_task(self.client.keep_clock())
            tasks.create_task(self._tick())
            if api is not None:
                self.cluster = ClusterOrders(api, self._config, self._uniform, self._obey_cluster)
                tasks.create_task(self.cluster.run())
            elif self._config.orders is not None:
                self.authority.order(from_static(self._clock.now(), self._config.orders))

    async def close(self) -> None:
        """Drop what is still on its way to the venue: its outcome would have nowhere to go."""
        if self.loop.gateway is not None:
            await self.loop.gateway.close()

    def not_connected(self) -> str | None:
        """Which streams that the bot cannot do without are missing, in words; None when none is."""
        down = self.market.feed.not_up(self._config.symbols, self.required & STEADY | QUOTE)
        return f"feed: no {', '.join(down)}" if down else None

    async def settle(self) -> None:
        """Take no new decisions, and wait until commands have their outcome and every position its stop."""
        self._stopping = True
        deadline = time.monotonic() + SETTLE_WITHIN
        quiet = 0
        while time.monotonic() < deadline and quiet < 3:
            await asyncio.sleep(TICK)  # `_tick` tells the engine to pause
            in_flight = self.loop.gateway.in_flight if self.loop.gateway is not None else 0
            view = self.desk.engine.snapshot()
            guarded = all(position.stop_price is not None for position in view.positions)
            quiet = quiet + 1 if not in_flight and guarded and len(self.inbox) == 0 else 0
        if quiet < 3:
            _log.warning("stopping with something unsettled")
        self.storage.ledger.equity(self.desk.engine.snapshot())

    def _account(self) -> AccountData:
        alive = self.storage.ledger.alive_until()
        return AccountData(
            self._config.venue.stream,
            self.client,
            self._config.symbols,
            emit=self.inbox.put,
            uniform=self._uniform,
            since_ms=None if alive is None else alive // 1_000_000,
            seen_trades=() if alive is None else self.storage.ledger.recent_trades(alive - DAY_NS),
        )

    async def _follow_account(self, account: AccountData) -> None:
        """Open the account's stream once an order may go there: a paper bot needs no account."""
        await self.loop.live.wait()
        while True:
            try:
                if not replies.hedge_mode(await self.client.call(rest.POSITION_MODE)):
                    break
                reason = "the account is in hedge mode: switch it to one-way position mode"
            except (VenueError, DecodeError) as error:
                reason = str(error)
            _log.warning("account not usable", reason=reason)
            self.inbox.put([AccountFeed(self._clock.now(), "live", up=False, reason=reason)])
            await asyncio.sleep(ACCOUNT_RETRY)
        await account.run()

    async def _tick(self) -> None:
        """Engine time when the market is silent, the process's own condition, and points of the equity curve."""
        equity_at = time.monotonic() - EQUITY_EVERY
        while True:
            await asyncio.sleep(TICK)
            now = self._clock.now()
            self._obey_cluster()
            fault = self.storage.fault
            state: TradingState = "Paused" if self._stopping else "ReduceOnly" if fault else "Running"
            self.authority.restrict(state, fault, now)
            self.inbox.put([Timer(now)])
            if time.monotonic() - equity_at >= EQUITY_EVERY:
                equity_at = time.monotonic()
                self.storage.ledger.equity(self.desk.engine.snapshot())

    def _directed(self, directive: Directive) -> None:
        if self.storage.paper is None and not self._directed_before:
            # A paper account begins with the capital that it is given, once.
            self.desk.paper.account.wallet = directive.capital_quote
        self._directed_before = True
        self.inbox.put([directive])

    def _obey_cluster(self) -> None:
        if self.cluster is not None:
            directive = self.cluster.orders.directive(self._clock.now(), time.monotonic())
            if directive is not None:
                self.authority.order(directive)

    def _overflow(self, dropped: int) -> list[Event]:
        _log.error("market data dropped", events=dropped, reason="the engine does not keep up")
        return self.market.feed.lost(streams.OFFERED, self._clock.now(), "the engine did not keep up")

    def _no_credentials(self, command: Command) -> list[Event]:
        if not isinstance(command, Place | Cancel):
            return []
        order = command.order.value if isinstance(command, Place) else command
        name: Literal["place", "cancel"] = "place" if isinstance(command, Place) else "cancel"
        reason = "live orders go to venue.type sim only in this release"
        return [CommandFailed(self._clock.now(), name, "stop", reason, order.symbol, order.client_id)]

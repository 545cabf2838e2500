"""One bot process: starts in order, says why it is not ready, keeps trying, and ends within the pod's grace period.

    bundle → ledger and journal → venue (clock, instruments) → streams → engine, sockets, orders from above

What fails at start is retried for ever while `/readiness` says why: an unreachable venue or a missing bundle is no
reason for a crash loop. On SIGTERM: no new decisions, commands on their way are settled, protective stops stay at the
venue, journal and ledger are flushed.
"""

import asyncio
import contextlib
import signal
import sqlite3
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal, TypeVar

import structlog

from tradefleet_api.botconfig import BotConfig
from tradefleet_api.botstatus import BotStatus
from tradefleet_api.refusal import RefusedError
from tradefleet_api.tradingbot import TradingState
from tradefleet_bot.core.commands import Cancel, Command, Place
from tradefleet_bot.core.decision import Model
from tradefleet_bot.core.desk import Desk
from tradefleet_bot.core.directive import from_static, nanoseconds
from tradefleet_bot.core.engine import Engine
from tradefleet_bot.core.events import AccountFeed, CommandFailed, Event, Instrument, Restored, Stream, Timer
from tradefleet_bot.core.features import FeatureSet
from tradefleet_bot.core.journal.codec import Header, start
from tradefleet_bot.core.paper import PaperConfig, PaperVenue
from tradefleet_bot.core.state import EngineConfig
from tradefleet_bot.core.view import EngineView
from tradefleet_bot.shell import bundle, http
from tradefleet_bot.shell.authority import Authority
from tradefleet_bot.shell.config import credentials
from tradefleet_bot.shell.gateway import LiveGateway
from tradefleet_bot.shell.inbox import Inbox
from tradefleet_bot.shell.journal_files import JournalFiles
from tradefleet_bot.shell.kube import Api
from tradefleet_bot.shell.ledger import Ledger
from tradefleet_bot.shell.loop import EngineLoop
from tradefleet_bot.shell.metrics import Metrics
from tradefleet_bot.shell.orders_source import ClusterOrders
from tradefleet_bot.shell.status import metrics_of, report
from tradefleet_bot.venues.backoff import Backoff
from tradefleet_bot.venues.binance import replies, rest, streams
from tradefleet_bot.venues.binance.account import AccountData
from tradefleet_bot.venues.binance.client import RestClient, VenueError
from tradefleet_bot.venues.binance.codec import DecodeError
from tradefleet_bot.venues.binance.market import MarketData
from tradefleet_bot.venues.clock import VenueClock

if TYPE_CHECKING:
    from prometheus_client.core import Metric

ALWAYS: Final[frozenset[Stream]] = frozenset({"quote", "trade", "mark"})
"""Read whatever the model requires: prices for risk, and what paper fills are made of."""
TICK: Final = 0.1
EQUITY_EVERY: Final = 10.0
SETTLE_WITHIN: Final = 5.0
LOOP_HANGS_AFTER: Final = 15.0
RETRY_CAP: Final = 10.0
DAY_NS: Final = 86_400 * 1_000_000_000
_T = TypeVar("_T")
Uniform = Callable[[float, float], float]
_log = structlog.get_logger("process")


class Process:
    """`await run()` returns the exit code, after SIGTERM or SIGINT."""

    def __init__(self, config: BotConfig, loader: bundle.Load, uniform: Uniform, environment: dict[str, str]) -> None:
        """Raises RefusedError where the configuration itself cannot work."""
        self._config = config
        self._loader = loader
        self._uniform = uniform
        self._credentials = credentials(config)
        self._api = None if config.orders is not None else Api.in_cluster(environment)
        if config.orders is None and self._api is None:
            raise RefusedError("there is no cluster to read orders from: set `orders` in the configuration")
        self._started_at = time.time()
        self._clock = VenueClock(time.monotonic_ns, time.time_ns)
        who = (config.bot.namespace, config.bot.name, config.bot.arm, config.model.name)
        self._metrics = Metrics(who)
        self._waiting_for: str | None = "starting"
        self._digest = ""
        self._inbox = Inbox(self._overflow)
        self._authority = Authority(self._inbox.put)
        self._ledger = Ledger(Path(config.data_path))
        self._journal = JournalFiles(Path(config.data_path), f"{int(self._started_at * 1000):013d}")
        self._market: MarketData | None = None
        self._loop: EngineLoop | None = None
        self._cluster: ClusterOrders | None = None
        self._stop = asyncio.Event()
        self._metrics.source(self._figures)

    async def run(self) -> int:
        """Serve, start, trade, stop."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop.set)
        app = http.application(self._alive, self._ready, self._metrics.text, self._status)
        try:
            socket = http.bound(self._config.http_host, self._config.http_port)
        except OSError as error:
            where = f"{self._config.http_host}:{self._config.http_port}"
            raise RefusedError(f"cannot serve HTTP on {where}: {error.strerror}") from error
        server = http.server(app)
        _log.info("http up", port=socket.getsockname()[1])
        serving = asyncio.create_task(server.serve(sockets=[socket]))
        trading = asyncio.create_task(self._trade())
        stopping = asyncio.create_task(self._stop.wait())
        try:
            await asyncio.wait([trading, stopping], return_when=asyncio.FIRST_COMPLETED)
            if not trading.done():
                _log.info("stopping")
                await self._settle()
                trading.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await trading
        finally:
            stopping.cancel()
            server.should_exit = True
            await serving
        _log.info("stopped")
        return 0

    # -- start ---------------------------------------------------------------------------------------------------------
    async def _trade(self) -> None:
        """From nothing to trading; runs until cancelled."""
        model = await self._retry("bundle", lambda: asyncio.to_thread(bundle.load, self._config, self._loader))
        self._digest = model.digest
        _log.info("bundle loaded", digest=model.digest, features=len(model.features))
        with contextlib.ExitStack() as stack:
            await self._retry("storage", lambda: self._storage(stack))
            async with RestClient(self._config.venue.rest, self._clock, self._credentials) as client:
                await self._retry("venue", client.sync_clock)
                instruments = await self._retry("venue", lambda: self._instruments(client))
                await self._retry("feed", lambda: self._check_streams(client, model))
                await self._run(model, client, instruments)

    async def _retry(self, what: str, attempt: Callable[[], Awaitable[_T]]) -> _T:
        backoff = Backoff(self._uniform, base=0.5, cap=RETRY_CAP)
        while True:
            try:
                return await attempt()
            except (RefusedError, VenueError, DecodeError, OSError, sqlite3.Error) as error:
                reason = f"{what}: {error}"
                if reason != self._waiting_for:
                    _log.warning("not ready", reason=reason)
                self._waiting_for = reason
            await asyncio.sleep(0.2 + backoff.next())

    async def _storage(self, stack: contextlib.ExitStack) -> None:
        with contextlib.ExitStack() as opened:
            opened.enter_context(self._ledger.opened())
            opened.enter_context(self._journal.opened())
            stack.push(opened.pop_all())

    async def _instruments(self, client: RestClient) -> list[Instrument]:
        body = await client.call(rest.EXCHANGE_INFO)
        return replies.instruments(body, self._config.symbols, self._clock.now())

    async def _check_streams(self, client: RestClient, model: Model) -> None:
        """Refuse a model that needs what the feed does not offer: found at start, not discovered as silence."""
        offered = streams.OFFERED
        if "open_interest" in bundle.streams_of(model):
            try:
                await client.call(rest.open_interest(self._config.symbols[0]))
            except VenueError as error:
                if error.failure.family != "stop":
                    raise
                offered -= {"open_interest"}
        lacking = bundle.lacking(model, offered)
        if lacking is not None:
            raise RefusedError(lacking)

    # -- trade ---------------------------------------------------------------------------------------------------------
    async def _run(self, model: Model, client: RestClient, instruments: list[Instrument]) -> None:
        config, venue = self._config, self._config.venue
        account_name = venue.account or f"{config.bot.namespace}.{config.bot.name}"
        engine_config = EngineConfig(account_name, tuple(config.symbols), nanoseconds(config.decision_interval))
        self._journal.append(start(Header(engine_config, model.digest)))
        kept = self._ledger.kept_paper()
        desk = Desk(Engine(engine_config, model, FeatureSet), PaperVenue(PaperConfig(), kept))
        self._loop = EngineLoop(desk, self._inbox, self._journal, self._ledger, self._metrics)
        self._loop.on_no_route = self._no_credentials
        carry = self._ledger.kept_carry()
        if carry is not None:
            self._inbox.put([Restored(self._clock.now(), carry)])
        self._inbox.put(instruments)
        wanted = bundle.streams_of(model) | ALWAYS
        self._market = MarketData(
            venue.stream, client, config.symbols, wanted, emit=self._inbox.put, uniform=self._uniform
        )
        async with asyncio.TaskGroup() as tasks:
            if self._credentials is not None:
                account = self._account(client)
                self._loop.gateway = LiveGateway(client, account, self._inbox.put)
                tasks.create_task(self._follow_account(client, account))
            tasks.create_task(self._loop.run())
            tasks.create_task(self._market.run())
            tasks.create_task(client.keep_clock())
            tasks.create_task(self._tick(desk, first_start=kept is None))
            if self._api is not None:
                self._cluster = ClusterOrders(self._api, config, self._uniform, self._obey_cluster)
                tasks.create_task(self._cluster.run())
            elif config.orders is not None:
                self._authority.order(from_static(self._clock.now(), config.orders))
            self._waiting_for = None

    def _account(self, client: RestClient) -> AccountData:
        alive = self._ledger.alive_until()
        return AccountData(
            self._config.venue.stream,
            client,
            self._config.symbols,
            emit=self._inbox.put,
            uniform=self._uniform,
            since_ms=None if alive is None else alive // 1_000_000,
            seen_trades=() if alive is None else self._ledger.recent_trades(alive - DAY_NS),
        )

    async def _follow_account(self, client: RestClient, account: AccountData) -> None:
        """Open the account's stream once an order may go there: a paper bot needs no account."""
        if self._loop is not None:
            await self._loop.live.wait()
        while True:
            try:
                if not replies.hedge_mode(await client.call(rest.POSITION_MODE)):
                    break
                reason = "the account is in hedge mode: switch it to one-way position mode"
            except (VenueError, DecodeError) as error:
                reason = str(error)
            _log.warning("account not usable", reason=reason)
            self._inbox.put([AccountFeed(self._clock.now(), "live", up=False, reason=reason)])
            await asyncio.sleep(RETRY_CAP)
        await account.run()

    async def _tick(self, desk: Desk, *, first_start: bool) -> None:
        """Engine time when the market is silent, the process's own condition, and points of the equity curve."""
        equity_at = time.monotonic()
        while True:
            await asyncio.sleep(TICK)
            now = self._clock.now()
            self._obey_cluster()
            fault = self._ledger.fault or self._journal.fault
            state: TradingState = "Paused" if self._stop.is_set() else "ReduceOnly" if fault else "Running"
            self._authority.restrict(state, fault, now)
            if first_start and self._authority.capital is not None:
                # A paper account begins with the capital that it is given, once.
                first_start = False
                desk.paper.account.wallet = self._authority.capital
            self._inbox.put([Timer(now)])
            if time.monotonic() - equity_at >= EQUITY_EVERY:
                equity_at = time.monotonic()
                self._ledger.equity(desk.engine.snapshot())

    def _obey_cluster(self) -> None:
        if self._cluster is not None:
            directive = self._cluster.orders.directive(self._clock.now(), time.monotonic())
            if directive is not None:
                self._authority.order(directive)

    def _overflow(self, dropped: int) -> list[Event]:
        _log.error("market data dropped", events=dropped, reason="the engine does not keep up")
        if self._market is None:
            return []
        return self._market.feed.lost(streams.OFFERED, self._clock.now(), "the engine did not keep up")

    def _no_credentials(self, command: Command) -> list[Event]:
        if not isinstance(command, Place | Cancel):
            return []
        order = command.order.value if isinstance(command, Place) else command
        name: Literal["place", "cancel"] = "place" if isinstance(command, Place) else "cancel"
        reason = "the venue's credentials are missing"
        return [CommandFailed(self._clock.now(), name, "stop", reason, order.symbol, order.client_id)]

    # -- stop ----------------------------------------------------------------------------------------------------------
    async def _settle(self) -> None:
        """Take no new decisions, and wait until commands have their outcome and every position its stop."""
        loop = self._loop
        if loop is None:
            return
        deadline = time.monotonic() + SETTLE_WITHIN
        quiet = 0
        while time.monotonic() < deadline and quiet < 3:
            await asyncio.sleep(TICK)  # `_tick` has told the engine to pause
            view = loop.desk.engine.snapshot()
            in_flight = loop.gateway.in_flight if loop.gateway is not None else 0
            guarded = all(position.stop_price is not None for position in view.positions)
            quiet = quiet + 1 if not in_flight and guarded and len(self._inbox) == 0 else 0
        if quiet < 3:
            _log.warning("stopping with something unsettled")
        self._ledger.equity(loop.desk.engine.snapshot())

    # -- what is said --------------------------------------------------------------------------------------------------
    def _alive(self) -> str | None:
        if self._loop is not None and time.monotonic() - self._loop.beat > LOOP_HANGS_AFTER:
            return "the engine's loop does not turn"
        return None

    def _ready(self) -> str | None:
        if self._waiting_for is not None:
            return self._waiting_for
        down = self._market.feed.not_up(self._config.symbols, {"quote"}) if self._market is not None else ["everything"]
        return f"feed: not up: {', '.join(down)}" if down else None

    def _status(self) -> BotStatus | None:
        if self._loop is None:
            return None
        view = self._loop.desk.engine.snapshot()
        return report(self._config, view, digest=self._digest, started_at=self._started_at, fault=self._authority.fault)

    def _view(self) -> EngineView | None:
        return None if self._loop is None else self._loop.desk.engine.snapshot()

    def _figures(self, metrics: Metrics) -> Iterator["Metric"]:
        view, market, loop = self._view(), self._market, self._loop
        if view is None or market is None or loop is None:
            return
        yield from metrics_of(view, metrics)
        decisions = [((action,), float(count)) for action, count in loop.decisions.items()]
        yield from metrics.counters("decisions", "Decisions by action.", ("action",), decisions)
        yield from metrics.counter("events", "Events from outside that the engine took in.", loop.events)
        feed = market.feed
        yield from metrics.counter("feed_gaps", "Breaks in the sequence of depth updates.", feed.gaps)
        yield from metrics.counter("feed_reconnects", "Market connections lost or renewed.", market.reconnects.total())
        yield from metrics.counter("decode_errors", "Market frames that could not be read.", feed.decode_errors)
        yield from metrics.counter("events_conflated", "Quotes replaced by later ones.", self._inbox.conflated)
        yield from metrics.counter("events_dropped", "Market events dropped under pressure.", self._inbox.dropped)
        yield from metrics.counter(
            "journal_lost_bytes", "Journal dropped while the disk failed.", self._journal.lost_bytes
        )
        yield from metrics.counter("ledger_left_out", "Rows left out while the disk failed.", self._ledger.left_out)
        stale: dict[str, float] = {}
        for (symbol, stream), seconds in feed.staleness(self._clock.now()).items():
            if stream in {"quote", "depth", "mark"}:
                stale[symbol] = max(stale.get(symbol, 0.0), seconds)
        samples = [((symbol,), seconds) for symbol, seconds in stale.items()]
        yield from metrics.gauges(
            "feed_staleness_seconds", "Age of the oldest of quotes, depth and mark.", ("symbol",), samples
        )
        age = None if self._cluster is None else self._cluster.orders.age(time.monotonic())
        yield from metrics.gauge("mandate_age_seconds", "Since the TradingBot was last read.", age)
        error = self._clock.error
        yield from metrics.gauge("clock_offset_seconds", "Venue time minus local time.", self._clock.offset / 1e9)
        yield from metrics.gauge(
            "clock_error_seconds", "Bound of the offset's error.", None if error is None else error / 1e9
        )
        yield from metrics.gauge("model_loaded", "1 with the bundle's digest verified.", bool(self._digest))

"""The simulator as a process: market → exchange → fronts, with the clock, the sockets and nothing to decide."""

from __future__ import annotations

import asyncio
import heapq
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, Self

import numpy as np
from aiohttp import web

from tradefleet_sim.admin.app import Admin
from tradefleet_sim.admin.faults import Faults
from tradefleet_sim.binance import account_api, algo_api, market_api, order_api, users
from tradefleet_sim.binance.api import Desk, Request, Table, handle
from tradefleet_sim.binance.hub import Hub
from tradefleet_sim.binance.publisher import Publisher
from tradefleet_sim.binance.sessions import Route
from tradefleet_sim.binance.sockets import Sockets
from tradefleet_sim.clock import Clock
from tradefleet_sim.engine.events import BookChanged, Execution, MarketNews, OrderChanged, Traded, account_of
from tradefleet_sim.engine.exchange import Exchange
from tradefleet_sim.instruments import INSTRUMENTS, money
from tradefleet_sim.market.events import MarketEvent
from tradefleet_sim.market.generator import MarketSpec, generate
from tradefleet_sim.market.replay import Recording
from tradefleet_sim.metrics import Metrics
from tradefleet_sim.vault import Vault

TABLE: Final[Table] = market_api.TABLE | order_api.TABLE | algo_api.TABLE | account_api.TABLE
_BEAT_SECONDS: Final = 0.02  # windows and countdowns are looked at this often
_BURST: Final = 200  # market events between two looks at the sockets
_LAG_MS: Final = 1000  # behind by this much wall time, the clock waits for the market
_MOST_BODY: Final = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Config:
    """How to start. Port 0 takes a free one. `recording` replaces the generated market."""

    host: str = "127.0.0.1"
    port: int = 9010
    symbols: tuple[str, ...] = ("BTCUSDT",)
    recording: Path | None = None
    seed: int = 1
    speed: float = 1.0
    signal: float = 0.3
    rate: float = 60.0
    balance: Decimal = Decimal(10_000)
    state: Path | None = None  # file in which accounts outlive the process


class Simulator:
    """`async with Simulator(config) as simulator:` serves until the block ends.

    Raises RecordingError, VaultError or OSError where what it was given cannot be used.
    """

    def __init__(self, config: Config) -> None:
        self._config = config
        recording = Recording.open(config.recording) if config.recording else None
        symbols = (recording.instrument.symbol,) if recording else config.symbols
        instruments = [INSTRUMENTS[name] for name in symbols]
        start = time.time_ns() // 1_000_000
        self.clock = Clock(start, config.speed, time.monotonic)
        self.exchange = Exchange(instruments, money(config.balance))
        self._market = self._merge(recording, start)
        self.metrics, self.faults, self.hub = Metrics(), Faults(), Hub()
        self.hub.is_silent = lambda stream: self.faults.silences(stream, time.monotonic())
        publishers = {name: Publisher(symbol, self.hub.wanted) for name, symbol in self.exchange.state.symbols.items()}
        self.desk = Desk(self.exchange, publishers=publishers)
        self._vault = Vault(config.state) if config.state else None
        if self._vault is not None and self._vault.restore(self.exchange.state, self.desk.keys):
            self.exchange.resume()
        self._saved = set(self.exchange.state.accounts)
        self._sockets = Sockets(self.hub, self.metrics)
        self._latest = start
        self._runner: web.AppRunner | None = None
        self._driver: asyncio.Task[None] | None = None
        self.port = config.port
        self.absent = sorted(_absent(recording))  # kinds of market data that this market does not have
        self._about: dict[str, Any] = {
            "market": str(config.recording) if config.recording else f"generated, seed {config.seed}",
            "speed": config.speed,
            "signal": None if config.recording else config.signal,
            "absent": self.absent,
        }

    @property
    def url(self) -> str:
        return f"http://{self._config.host}:{self.port}"

    def _merge(self, recording: Recording | None, start: int) -> Iterator[tuple[int, int, str, MarketEvent]]:
        """All symbols' events in time order, each with its symbol."""
        names = list(self.exchange.state.symbols)
        if recording is not None:
            sources = [recording.play(start)]
        else:
            rngs = np.random.default_rng(self._config.seed).spawn(len(names))
            specs = [
                MarketSpec(INSTRUMENTS[name], rate=self._config.rate, signal=self._config.signal) for name in names
            ]
            sources = [generate(rng, spec, start) for rng, spec in zip(rngs, specs, strict=True)]
        tagged = [_tagged(source, number, names[number]) for number, source in enumerate(sources)]
        return heapq.merge(*tagged, key=lambda item: item[:2])

    async def __aenter__(self) -> Self:
        app = web.Application(client_max_size=_MOST_BODY, middlewares=[self._faulty])
        admin = Admin(self.desk, self.faults, self.metrics, self.clock.now, self._sockets.drop, self._about)
        app.add_routes(admin.routes())
        for route in Route:
            prefix = f"/{route.value}" if route.value else ""
            for path, combined in (("ws", False), ("ws/{streams:.*}", False), ("stream", True)):
                app.router.add_get(f"{prefix}/{path}", self._socket(route, combined=combined))
        app.router.add_route("*", "/{path:.*}", self._rest)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
        await self._runner.setup()
        site = web.TCPSite(self._runner, self._config.host, self._config.port, reuse_address=True)
        try:
            await site.start()
        except OSError:
            await self._runner.cleanup()
            raise
        self.port = self._runner.addresses[0][1]
        self._driver = asyncio.create_task(self._drive())
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._driver is not None:
            self._driver.cancel()
            with suppress(asyncio.CancelledError):
                await self._driver
        await self._sockets.close()
        if self._runner is not None:
            await self._runner.cleanup()
        if self._vault is not None:
            self._vault.close()

    async def wait(self) -> None:
        """Until the market ends, which it only does by an error (raised here)."""
        if self._driver is not None:
            await asyncio.shield(self._driver)

    # -- the market drives ----------------------------------------------------------------------------------------

    async def _drive(self) -> None:
        burst = 0
        for at, _, name, event in self._market:
            while (wait := self.clock.seconds_until(at)) > 0:
                burst = 0
                self.metrics.lag.set(0)
                self._beat()
                await asyncio.sleep(min(wait, _BEAT_SECONDS))
            behind = -wait * 1000
            if behind > _LAG_MS:
                self.clock.hold(at)
            self._latest = max(self._latest, at)
            self.exchange.market(name, event if at == self._latest else event._replace(at=self._latest))
            self.metrics.events.labels(name).inc()
            self._publish()
            burst += 1
            if burst >= _BURST:
                burst = 0
                self._beat()
                self.metrics.lag.set(max(0.0, behind / 1000))
                await asyncio.sleep(0)

    def _beat(self) -> None:
        now = self._now()
        self.exchange.tick(now)
        self._publish()
        for publisher in self.desk.publishers.values():
            for stream, payload in publisher.advance(now):
                self.hub.publish(stream, payload)
        for key, frame in self.desk.listen_keys.expire(now):
            self.hub.publish(key, frame)

    def _now(self) -> int:
        """The exchange's time: what it has seen never lies in its future."""
        self._latest = max(self._latest, self.clock.now())
        return self._latest

    def _publish(self) -> None:
        changed: set[str] = set()
        for event in self.exchange.drain():
            if isinstance(event, BookChanged | Traded | MarketNews):
                for stream, payload in self.desk.publishers[event.symbol].on(event):
                    self.hub.publish(stream, payload)
                continue
            if isinstance(event, OrderChanged) and event.execution is Execution.NEW:
                self.metrics.orders.labels(event.order.symbol).inc()
            changed.add(account_of(event))
            for account, frame in users.frames_of(event, self.exchange.state.symbols):
                key = self.desk.listen_keys.of(account)
                if key is not None:
                    self.hub.publish(key, frame)
        if self._vault is not None:
            changed |= self.exchange.state.accounts.keys() - self._saved
            if changed:
                self._vault.save(self.exchange.state, self.desk.keys, changed)
                self._saved |= changed

    # -- the wire -------------------------------------------------------------------------------------------------

    @web.middleware
    async def _faulty(self, request: web.Request, handler: Any) -> web.StreamResponse:
        if request.path.startswith(("/admin", "/healthz", "/metrics")):
            return await _answer(handler, request)
        if self.faults.refuses(time.monotonic()):
            return _cut(request)
        if delay := self.faults.delay(time.monotonic()):
            await asyncio.sleep(delay)
        return await _answer(handler, request)

    async def _rest(self, request: web.Request) -> web.StreamResponse:
        path, _, query = request.raw_path.partition("?")
        body = (await request.read()).decode("utf-8", "surrogateescape")
        asked = Request(
            method=request.method,
            path=path,
            query=query,
            body=body,
            key=request.headers.get("X-MBX-APIKEY"),
            address=request.remote or "",
            now=self._now() + self.faults.skew(time.monotonic()),
        )
        reply = handle(self.desk, TABLE, asked)
        self._publish()
        self.metrics.requests.labels(str(reply.status)).inc()
        is_order = request.method == "POST" and path in ("/fapi/v1/order", "/fapi/v1/algoOrder")
        if is_order and reply.status == 200 and self.faults.loses_reply(time.monotonic()):
            return _cut(request)
        return web.Response(status=reply.status, body=reply.body.encode(), headers=reply.headers)

    def _socket(self, route: Route, *, combined: bool) -> Any:
        async def serve(request: web.Request) -> web.StreamResponse:
            return await self._sockets.serve(request, route, combined=combined)

        return serve


def _tagged(source: Iterator[MarketEvent], number: int, name: str) -> Iterator[tuple[int, int, str, MarketEvent]]:
    for event in source:
        yield event.at, number, name, event


async def _answer(handler: Any, request: web.Request) -> web.StreamResponse:
    response: web.StreamResponse = await handler(request)
    return response


def _cut(request: web.Request) -> web.Response:
    """The connection breaks without a reply; the response is for aiohttp and reaches nobody."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response(status=444)


def _absent(recording: Recording | None) -> set[str]:
    if recording is None:
        return set()
    wanted = {"markPriceUpdate": "funding", "openInterest": "open_interest", "forceOrder": "liquidation"}
    return {name for kind, name in wanted.items() if kind not in recording.has}

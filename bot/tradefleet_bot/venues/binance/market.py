"""The market-data sockets: one connection a route, kept up for ever, feeding one Feed.

Reconnects with full-jitter backoff and resubscribes everything (the streams are in the URL), reconnects by itself
before the venue's 24 h limit, and treats a socket that is open and silent as broken.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Collection
from typing import Final

import structlog
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException

from tradefleet_bot.core.events import Event, FeedState, Stream
from tradefleet_bot.venues.backoff import Backoff
from tradefleet_bot.venues.binance import rest, streams
from tradefleet_bot.venues.binance.client import RestClient, VenueError
from tradefleet_bot.venues.binance.codec import DecodeError
from tradefleet_bot.venues.binance.feed import Feed
from tradefleet_bot.venues.binance.streams import Route

LIFETIME: Final = 23 * 3600.0
"""The venue cuts a connection after 24 h; it is renewed before that, spread over half an hour."""
STABLE_AFTER: Final = 60.0
"""A connection that lived this long had no fault of its own: the next attempt does not wait."""
SOCKET_SILENCE: Final = 10.0
"""Each route carries a stream of at least one message a second: 10 s without a frame means a dead socket."""
RECONNECT_CAP: Final = 20.0
WATCH_EVERY: Final = 0.5
OPEN_INTEREST_EVERY: Final = 5.0
MAX_FRAME: Final = 4 * 1024 * 1024
Emit = Callable[[list[Event]], None]
Uniform = Callable[[float, float], float]
_log = structlog.get_logger("market")


class MarketData:
    """All market data of some symbols: the kinds in `wanted`, each on its route. `run` never returns by itself."""

    def __init__(
        self,
        base: str,
        client: RestClient,
        symbols: Collection[str],
        wanted: Collection[Stream],
        *,
        emit: Emit,
        uniform: Uniform,
    ) -> None:
        self.feed = Feed(symbols)
        self.reconnects: Counter[str] = Counter()
        """Lost or renewed connections by route."""
        self.connected: dict[Route, bool] = {}
        self._base = base
        self._client = client
        self._symbols = list(symbols)
        self._wanted = frozenset(wanted)
        self._emit = emit
        self._uniform = uniform
        self._resync = asyncio.Event()
        self._sockets: dict[Route, ClientConnection] = {}
        self._last_frame: dict[Route, float] = {}

    async def run(self) -> None:
        """Keep everything up until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            for route, kinds in streams.ROUTES.items():
                if self._wanted & kinds.keys():
                    tasks.create_task(self._keep(route))
            tasks.create_task(self._watch())
            if "depth" in self._wanted:
                tasks.create_task(self._snapshots())
            if "open_interest" in self._wanted:
                for symbol in self._symbols:
                    tasks.create_task(self._poll_open_interest(symbol))

    async def _keep(self, route: Route) -> None:
        carried = self._wanted & streams.ROUTES[route].keys()
        url = streams.url(self._base, route, self._symbols, carried)
        backoff = Backoff(self._uniform, cap=RECONNECT_CAP)
        self.connected[route] = False
        while True:
            started = time.monotonic()
            try:
                # Compression is off: it costs a core more than it saves a pod.
                async with connect(
                    url, compression=None, proxy=None, max_size=MAX_FRAME, max_queue=256, open_timeout=10
                ) as socket:
                    reason = await self._read(route, carried, socket)
            except (OSError, TimeoutError, WebSocketException) as error:
                reason = f"{type(error).__name__}: {error}".rstrip(": ")
            if self.connected[route]:
                self.connected[route] = False
                self.reconnects[route] += 1
                self._emit(self.feed.lost(carried, self._client.clock.now(), f"connection lost: {reason}"))
            if time.monotonic() - started > STABLE_AFTER:
                backoff.reset()
            delay = backoff.next()
            _log.warning("market connection lost", route=route, reason=reason, retry_in_seconds=round(delay, 2))
            await asyncio.sleep(delay)

    async def _read(self, route: Route, carried: Collection[Stream], socket: ClientConnection) -> str:
        """Read frames until the connection ends or has lived long enough; says why it ended."""
        now, frame_of, emit, last = self._client.clock.now, self.feed.frame, self._emit, self._last_frame
        self._sockets[route] = socket
        last[route] = time.monotonic()
        self.connected[route] = True
        emit(self.feed.subscribed(self._symbols, carried, now()))
        _log.info("market connection up", route=route, streams=sorted(carried))
        depth = "depth" in carried
        try:
            async with asyncio.timeout(LIFETIME + self._uniform(0, 1800)):
                while True:
                    frame = await socket.recv(decode=False)
                    last[route] = time.monotonic()
                    events = frame_of(frame, now())
                    if events:
                        emit(events)
                    elif depth and not self._resync.is_set() and self.feed.wanted():
                        self._resync.set()
        except TimeoutError:
            return "renewed before the venue's 24 h limit"
        finally:
            self._sockets.pop(route, None)

    async def _watch(self) -> None:
        """Find sockets and streams that are open and silent."""
        while True:
            await asyncio.sleep(WATCH_EVERY)
            quiet = self.feed.silence(self._client.clock.now())
            if quiet:
                self._emit(quiet)
            if self.connected.get("public") and self.feed.wanted():
                self._resync.set()
            silent = {event.stream for event in quiet if isinstance(event, FeedState)}
            for route, socket in list(self._sockets.items()):
                seconds = time.monotonic() - self._last_frame[route]
                if seconds > SOCKET_SILENCE or silent & streams.ROUTES[route].keys():
                    _log.warning(
                        "market connection silent", route=route, seconds=round(seconds, 1), streams=sorted(silent)
                    )
                    socket.transport.abort()  # a closing handshake with a dead peer would only wait

    async def _snapshots(self) -> None:
        """Fetch the depth snapshots that the books wait for, once their diffs flow."""
        backoff = Backoff(self._uniform, base=0.2, cap=10)
        while True:
            await self._resync.wait()
            self._resync.clear()
            for symbol in self.feed.wanted():
                try:
                    body = await self._client.call(rest.depth(symbol))
                    self._emit(self.feed.snapshot(symbol, body, self._client.clock.now()))
                except (VenueError, DecodeError) as error:
                    _log.warning("no depth snapshot", symbol=symbol, reason=str(error))
            if self.feed.wanted():
                await asyncio.sleep(backoff.next())
            else:
                backoff.reset()

    async def _poll_open_interest(self, symbol: str) -> None:
        while True:
            try:
                body = await self._client.call(rest.open_interest(symbol))
                self._emit(self.feed.open_interest(body, self._client.clock.now()))
            except (VenueError, DecodeError) as error:
                _log.warning("no open interest", symbol=symbol, reason=str(error))
            await asyncio.sleep(OPEN_INTEREST_EVERY)

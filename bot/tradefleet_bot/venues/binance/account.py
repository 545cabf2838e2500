"""The account's socket: the user data stream, kept up for ever, with what it missed fetched by REST before it flows on.

The venue replays nothing after a reconnect, and a stream whose listen key expired stays open and silent; so every
(re)connect is followed by the executions, order states and payments since the last one seen, and then by the frames
that have waited in the socket meanwhile. Repeats are recognised by trade id.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterable
from typing import Final

import structlog
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException

from tradefleet_bot.core.events import AccountEvent, AccountFeed, AccountState, CashFlow, Event, Fill, OrderReport
from tradefleet_bot.venues.backoff import Backoff
from tradefleet_bot.venues.binance import replies, rest, streams
from tradefleet_bot.venues.binance.client import RestClient, VenueError
from tradefleet_bot.venues.binance.codec import DecodeError
from tradefleet_bot.venues.binance.errors import BAD_LISTEN_KEY
from tradefleet_bot.venues.binance.user import StreamEnded, UserDecoder

MS: Final = 1_000_000
KEEP_ALIVE_EVERY: Final = 20 * 60.0
"""A listen key lives 60 min."""
LIFETIME: Final = 23 * 3600.0
STABLE_AFTER: Final = 60.0
RECONNECT_CAP: Final = 20.0
OVERLAP_MS: Final = 10_000
"""What is asked for again around the last event seen, for clocks and for events on their way."""
LONGEST_LOOK_BACK_MS: Final = 7 * 86_400_000 - 600_000
"""The venue answers for a window of seven days from the start that is asked for."""
PAGE: Final = 1_000
_MAX_SEEN: Final = 20_000
_log = structlog.get_logger("account")


class AccountData:
    """The stream of orders, fills and payments of one account. `run` never returns by itself."""

    def __init__(
        self,
        base: str,
        client: RestClient,
        symbols: Collection[str],
        *,
        emit: Callable[[list[Event]], None],
        uniform: Callable[[float, float], float],
        since_ms: int | None = None,
        seen_trades: Iterable[str] = (),
        quote_asset: str = "USDT",
    ) -> None:
        """`since_ms` and `seen_trades` come from the ledger of an earlier run; without them nothing was missed."""
        self.reconnects = 0
        self.decode_errors = 0
        self.connected = False
        self.decoder = UserDecoder(quote_asset)
        self._base = base
        self._client = client
        self._symbols = list(symbols)
        self._emit = emit
        self._uniform = uniform
        self._since_ms = since_ms
        self._quote_asset = quote_asset
        self._seen: OrderedDict[str, None] = OrderedDict.fromkeys(seen_trades)

    async def run(self) -> None:
        """Keep the stream up until cancelled."""
        backoff = Backoff(self._uniform, cap=RECONNECT_CAP)
        self._emit([AccountFeed(self._client.clock.now(), "live", up=False, reason="not connected yet")])
        while True:
            started = time.monotonic()
            try:
                reason = await self._connect()
            except (VenueError, DecodeError, OSError, TimeoutError, WebSocketException) as error:
                reason = f"{type(error).__name__}: {error}".rstrip(": ")
            if self.connected:
                self.connected = False
                self.reconnects += 1
                self._emit([AccountFeed(self._client.clock.now(), "live", up=False, reason=reason)])
            if time.monotonic() - started > STABLE_AFTER:
                backoff.reset()
            delay = backoff.next()
            _log.warning("user stream lost", reason=reason, retry_in_seconds=round(delay, 2))
            await asyncio.sleep(delay)

    async def snapshot(self, requested: int) -> AccountState:
        """The whole account by REST. Raises VenueError or DecodeError."""
        # Orders before positions: an order that fills in between is then missing from neither.
        orders = await self._client.call(rest.OPEN_ORDERS)
        algos = await self._client.call(rest.OPEN_ALGO_ORDERS)
        positions = await self._client.call(rest.POSITIONS)
        balances = await self._client.call(rest.BALANCE)
        return replies.account_state(
            balances, positions, orders, algos, at=self._client.clock.now(), requested=requested,
            quote_asset=self._quote_asset,
        )  # fmt: skip

    def admit(self, events: Iterable[AccountEvent]) -> list[Event]:
        """Events with the executions that are known already taken out."""
        admitted: list[Event] = []
        for event in events:
            if isinstance(event, Fill):
                key = f"{event.symbol}/{event.trade_id}"
                if key in self._seen:
                    continue
                self._seen[key] = None
                if len(self._seen) > _MAX_SEEN:
                    self._seen.popitem(last=False)
                self._note(event.ts)
            elif isinstance(event, OrderReport | CashFlow):
                self._note(event.ts)
            admitted.append(event)
        return admitted

    async def missed(self) -> list[Event]:
        """Executions, order states and payments since the last one seen. Raises VenueError or DecodeError."""
        since = self._since_ms
        if since is None:
            self._since_ms = self._client.clock.now() // MS
            return []
        since = max(since - OVERLAP_MS, self._client.clock.now() // MS - LONGEST_LOOK_BACK_MS)
        events: list[AccountEvent] = []
        for symbol in self._symbols:
            orders = await self._client.call(rest.all_orders(symbol, since))
            algos = await self._client.call(rest.all_algo_orders(symbol, since))
            links = replies.order_links(orders, algos)
            for venue_id, client_id in links.items():
                self.decoder.link(venue_id, client_id)
            now = self._client.clock.now()
            events += await self._fills(symbol, since, links)
            events += replies.order_reports(orders, links, now)
            events += replies.algo_reports(algos, now)
        payments = await self._client.call(rest.income(since))
        events += replies.funding(payments, at=self._client.clock.now(), quote_asset=self._quote_asset)
        return self.admit(events)

    async def _fills(self, symbol: str, since: int, links: dict[str, str]) -> list[Fill]:
        """All executions since a time, page by page; pages overlap by a millisecond, `admit` leaves repeats out."""
        found: list[Fill] = []
        while True:
            trades = await self._client.call(rest.user_trades(symbol, since))
            page = replies.fills(trades, links, at=self._client.clock.now(), quote_asset=self._quote_asset)
            found += page
            last = max((fill.ts // MS for fill in page), default=since)
            if len(page) < PAGE or last <= since:
                return found
            since = last

    async def _connect(self) -> str:
        key = replies.listen_key(await self._client.call(rest.LISTEN_KEY_CREATE))
        url = streams.user_url(self._base, key)
        async with connect(url, compression=None, proxy=None, max_queue=1024, open_timeout=10) as socket:
            # Frames wait in the socket until what was missed has been told. The engine answers "up" with a Reconcile.
            missed = await self.missed()
            self.connected = True
            self._emit([*missed, AccountFeed(self._client.clock.now(), "live", up=True)])
            _log.info("user stream up", missed=len(missed))
            keeper = asyncio.create_task(self._keep_alive(socket))
            try:
                return await self._read(socket)
            finally:
                keeper.cancel()

    async def _read(self, socket: ClientConnection) -> str:
        try:
            async with asyncio.timeout(LIFETIME + self._uniform(0, 1800)):
                while True:
                    frame = await socket.recv(decode=False)
                    try:
                        messages = self.decoder.decode(frame, self._client.clock.now())
                    except DecodeError as error:
                        # Something happened to the account that we cannot read: start over from a full snapshot.
                        self.decode_errors += 1
                        return f"a frame could not be read: {error}"
                    for message in messages:
                        if isinstance(message, StreamEnded):
                            return message.reason
                    self._emit(self.admit(m for m in messages if not isinstance(m, StreamEnded)))
        except TimeoutError:
            return "renewed before the venue's 24 h limit"

    async def _keep_alive(self, socket: ClientConnection) -> None:
        """Extend the listen key; where the venue no longer knows it, the stream is dead although it is open."""
        backoff = Backoff(self._uniform, base=1, cap=60)
        while True:
            await asyncio.sleep(KEEP_ALIVE_EVERY)
            while True:
                try:
                    await self._client.call(rest.LISTEN_KEY_EXTEND)
                    backoff.reset()
                    break
                except VenueError as error:
                    _log.warning("listen key not extended", reason=str(error))
                    if error.failure.code == BAD_LISTEN_KEY:
                        socket.transport.abort()
                        return
                    await asyncio.sleep(backoff.next())

    def _note(self, ts: int) -> None:
        self._since_ms = max(self._since_ms or 0, ts // MS)

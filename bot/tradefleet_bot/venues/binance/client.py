"""The REST socket: one request, one answer or one Failure, within budgets and timeouts. It repeats nothing by itself.

aiohttp repeats idempotent requests (GET, DELETE, PUT) once when a kept-alive connection turns out to be closed; a POST,
which places orders, is never sent twice.
"""

import asyncio
import time
from collections import Counter
from contextlib import suppress
from types import TracebackType
from typing import Final, Self

import aiohttp
from yarl import URL

from tradefleet_bot.venues.binance import replies, rest
from tradefleet_bot.venues.binance.auth import Credentials
from tradefleet_bot.venues.binance.codec import DecodeError
from tradefleet_bot.venues.binance.errors import CLOCK, Failure, failure
from tradefleet_bot.venues.binance.limits import RateLimits
from tradefleet_bot.venues.binance.rest import Request
from tradefleet_bot.venues.clock import VenueClock

NS: Final = 1_000_000_000
TIMEOUT: Final = 5.0
LONGEST_REPLY: Final = 32 * 1024 * 1024
CLOCK_EVERY: Final = 30.0
_MAX_QUEUE_WAIT: Final = 2.0
"""A request that its budget holds back for longer than this (seconds) is given back to its sender."""


class VenueError(Exception):
    """A request that brought no result; `failure` says why, in the engine's families."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.reason)
        self.failure = failure


class RestClient:
    """REST of one account (or of nobody's, for market data). Use as an async context manager."""

    def __init__(self, base: str, clock: VenueClock, credentials: Credentials | None = None) -> None:
        self.clock = clock
        self.limits = RateLimits()
        self.failures: Counter[str] = Counter()
        """Requests without a result, by family."""
        self._base = base.rstrip("/")
        self._credentials = credentials
        self._session: aiohttp.ClientSession | None = None
        self._clock_wanted = asyncio.Event()

    async def __aenter__(self) -> Self:
        timeout = aiohttp.ClientTimeout(total=TIMEOUT, connect=3.0)
        self._session = aiohttp.ClientSession(timeout=timeout, headers={"User-Agent": "tradefleet"})
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None
    ) -> None:
        if self._session is not None:
            await self._session.close()

    async def call(self, request: Request, *, deadline: int | None = None) -> bytes:
        """The body of a successful reply. Raises VenueError.

        `deadline` is venue time (ns): the request is timestamped first and the deadline checked after, so that what a
        pause holds back from here on is refused by the venue's receive window.
        """
        await self._fit_in(request)
        at = self.clock.now()
        url = self._url(request, at)
        if deadline is not None and self.clock.now() > deadline:
            raise self._failed(Failure("stop", "past its deadline before it was sent"))
        self.limits.sent(request, at)
        headers = {}
        if request.security != "none" and self._credentials is not None:
            headers["X-MBX-APIKEY"] = self._credentials.key
        if self._session is None:
            raise RuntimeError("the client is used outside its context")
        try:
            async with self._session.request(request.method, url, headers=headers, allow_redirects=False) as reply:
                body = await _body(reply)
                status, seen = reply.status, reply.headers
        except aiohttp.ClientConnectorError as error:
            raise self._failed(Failure("retry", f"cannot connect: {error.os_error}", retry_after=NS)) from None
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise self._failed(Failure("unknown", f"no reply: {type(error).__name__} {error}".strip())) from None
        self.limits.replied(seen, at)
        if status < 300:
            return body
        wrong = failure(status, body, seen, at // 1_000_000)
        self.limits.refused(status, wrong, self.clock.now())
        if wrong.code == CLOCK:
            self._clock_wanted.set()
        raise self._failed(wrong)

    async def sync_clock(self, samples: int = 3) -> None:
        """Measure the venue's clock. Raises VenueError or DecodeError."""
        for _ in range(samples):
            sent = time.monotonic_ns()
            body = await self.call(rest.SERVER_TIME)
            self.clock.sample(sent, time.monotonic_ns(), replies.server_time(body))

    async def keep_clock(self) -> None:
        """Measure the venue's clock for ever, at once when a request was refused for its timestamp."""
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(CLOCK_EVERY):
                    await self._clock_wanted.wait()
            self._clock_wanted.clear()
            try:
                await self.sync_clock()
            except (VenueError, DecodeError):
                await asyncio.sleep(1.0)  # counted in `failures`; the estimate's bounds widen meanwhile

    async def _fit_in(self, request: Request) -> None:
        wait = self.limits.wait(request, self.clock.now())
        if wait > _MAX_QUEUE_WAIT * NS:
            raise self._failed(Failure("retry", "our rate budget is used up", retry_after=wait))
        if wait:
            await asyncio.sleep(wait / NS)

    def _url(self, request: Request, at: int) -> URL:
        query = request.query(self._credentials, at // 1_000_000)
        return URL(
            f"{self._base}{request.path}?{query}" if query else f"{self._base}{request.path}", encoded=True
        )  # as signed

    def _failed(self, failure: Failure) -> VenueError:
        self.failures[failure.family] += 1
        return VenueError(failure)


async def _body(reply: aiohttp.ClientResponse) -> bytes:
    body = bytearray()
    async for chunk in reply.content.iter_chunked(65_536):
        body += chunk
        if len(body) > LONGEST_REPLY:
            raise aiohttp.ClientPayloadError(f"a reply of more than {LONGEST_REPLY} bytes")
    return bytes(body)

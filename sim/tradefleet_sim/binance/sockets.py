"""Stream connections over aiohttp: a session for the protocol, a bounded queue and a writer for the frames."""

from __future__ import annotations

import asyncio
from time import monotonic
from typing import Final

from aiohttp import WSCloseCode, WSMsgType, web

from tradefleet_sim.binance.hub import Hub
from tradefleet_sim.binance.sessions import Disconnect, Route, Session
from tradefleet_sim.metrics import Metrics

_QUEUE: Final = 4096  # frames a client may be behind before it is cut off
_PING_SECONDS: Final = 180.0
_LIFE_SECONDS: Final = 24 * 3600.0
_MOST_BYTES: Final = 64 * 1024  # of a message from a client


class Sockets:
    """All open stream connections of a front."""

    def __init__(self, hub: Hub, metrics: Metrics) -> None:
        self._hub, self._metrics = hub, metrics
        self._open: set[_Connection] = set()

    async def serve(self, request: web.Request, route: Route, *, combined: bool) -> web.StreamResponse:
        """One connection from handshake to close."""
        socket = web.WebSocketResponse(heartbeat=_PING_SECONDS, max_msg_size=_MOST_BYTES, compress=False)
        await socket.prepare(request)
        connection = _Connection(request, socket, self._metrics)
        session = Session(
            route,
            combined,
            join=lambda stream: self._hub.join(stream, connection),
            leave=lambda stream: self._hub.leave(stream, connection),
        )
        connection.session = session
        self._open.add(connection)
        self._metrics.clients.inc()
        writer = asyncio.create_task(connection.write())
        try:
            async with asyncio.timeout(_LIFE_SECONDS):
                await _converse(socket, session, connection, request)
        except TimeoutError:
            await socket.close(code=WSCloseCode.GOING_AWAY)
        finally:
            self._open.discard(connection)
            self._metrics.clients.dec()
            for stream in session.streams:
                self._hub.leave(stream, connection)
            writer.cancel()
            await asyncio.gather(writer, return_exceptions=True)
        return socket

    def drop(self) -> int:
        """Cuts every connection without a word; returns how many."""
        count = len(self._open)
        for connection in list(self._open):
            connection.abort()
        return count

    async def close(self) -> None:
        """Says goodbye to everybody."""
        await asyncio.gather(*(connection.close() for connection in list(self._open)), return_exceptions=True)


class _Connection:
    def __init__(self, request: web.Request, socket: web.WebSocketResponse, metrics: Metrics) -> None:
        self._request, self._socket, self._metrics = request, socket, metrics
        self._queue: asyncio.Queue[str] = asyncio.Queue(_QUEUE)
        self._is_cut = False
        self.session: Session | None = None

    @property
    def combined(self) -> bool:
        return self.session is not None and self.session.combined

    def offer(self, text: str) -> None:
        if self._is_cut:
            return
        try:
            self._queue.put_nowait(text)
        except asyncio.QueueFull:
            self._is_cut = True
            self._metrics.cut.inc()
            self._metrics.dropped.inc(self._queue.qsize() + 1)
            self.abort()

    async def write(self) -> None:
        try:
            while True:
                await self._socket.send_str(await self._queue.get())
                self._metrics.frames.inc()
        except ConnectionError:
            self.abort()

    def abort(self) -> None:
        self._is_cut = True
        if self._request.transport is not None:
            self._request.transport.abort()

    async def close(self) -> None:
        async with asyncio.timeout(1):
            await self._socket.close(code=WSCloseCode.GOING_AWAY)


async def _converse(
    socket: web.WebSocketResponse, session: Session, connection: _Connection, request: web.Request
) -> None:
    try:
        session.open(request.match_info.get("streams", ""), request.query_string)
        async for message in socket:
            if message.type is WSMsgType.TEXT:
                connection.offer(session.receive(message.data, monotonic()))
            elif message.type is WSMsgType.BINARY:
                raise Disconnect("binary message")
    except Disconnect as reason:
        await socket.close(code=WSCloseCode.POLICY_VIOLATION, message=str(reason).encode())

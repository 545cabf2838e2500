"""The live gateway: carries the engine's commands to the venue, and each outcome back as an event. It retries nothing.

Commands start in the order given and do not wait for each other's replies: a lost reply must not hold back a
protective stop. Only what names the same order waits for what was sent about it before, and an order waits for a
change of its symbol's leverage.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Coroutine
from typing import Any, Final, Literal

import structlog

from tradefleet_bot.core.commands import Cancel, CancelAll, Place, QueryOrder, Reconcile, SetLeverage
from tradefleet_bot.core.events import CommandFailed, Event, OrderReport
from tradefleet_bot.venues.binance import replies, rest
from tradefleet_bot.venues.binance.account import AccountData
from tradefleet_bot.venues.binance.client import RestClient, VenueError
from tradefleet_bot.venues.binance.codec import DecodeError
from tradefleet_bot.venues.binance.errors import NO_CHANGE, NO_SUCH_ORDER, Failure

Routed = Place | Cancel | CancelAll | QueryOrder | Reconcile | SetLeverage
Name = Literal["place", "cancel", "cancel_all", "query", "reconcile", "set_leverage"]
_NAMES: Final[dict[type, Name]] = {
    Place: "place",
    Cancel: "cancel",
    CancelAll: "cancel_all",
    QueryOrder: "query",
    Reconcile: "reconcile",
    SetLeverage: "set_leverage",
}
_log = structlog.get_logger("gateway")


class LiveGateway:
    """`send` returns at once; outcomes come through `emit`."""

    def __init__(self, client: RestClient, account: AccountData, emit: Callable[[list[Event]], None]) -> None:
        self.sent: Counter[str] = Counter()
        """Commands by name."""
        self._client = client
        self._account = account
        self._emit = emit
        self._running: set[asyncio.Task[None]] = set()
        self._last: dict[str, asyncio.Task[None]] = {}  # by what later commands must wait for

    @property
    def in_flight(self) -> int:
        """Commands without an outcome yet."""
        return len(self._running)

    def send(self, command: Routed) -> None:
        """Carry a command out."""
        self.sent[_NAMES[type(command)]] += 1
        waits_for, holds = _order_of(command)
        before = [self._last[key] for key in waits_for if key in self._last]
        task = asyncio.create_task(self._carry(command, before))
        self._running.add(task)
        for key in holds:
            self._last[key] = task
        task.add_done_callback(lambda done: self._done(done, holds))

    async def close(self) -> None:
        """Drop what is still on its way."""
        for task in list(self._running):
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)

    def _done(self, task: asyncio.Task[None], holds: tuple[str, ...]) -> None:
        self._running.discard(task)
        for key in holds:
            if self._last.get(key) is task:
                del self._last[key]
        if not task.cancelled() and (error := task.exception()) is not None:
            _log.error("a command broke the gateway", exc_info=error)

    async def _carry(self, command: Routed, before: list[asyncio.Task[None]]) -> None:
        if before:
            await asyncio.wait(before)
        try:
            events = await self._outcome(command)
        except VenueError as error:
            events = [self._failed(command, error.failure)]
        except DecodeError as error:
            events = [self._failed(command, Failure("unknown", f"the reply cannot be read: {error}"))]
        except ValueError as error:
            events = [self._failed(command, Failure("stop", str(error)))]
        self._emit(events)

    def _outcome(self, command: Routed) -> Coroutine[Any, Any, list[Event]]:
        match command:
            case Place():
                return self._place(command)
            case Cancel():
                return self._cancel(command)
            case CancelAll():
                return self._cancel_all(command)
            case QueryOrder():
                return self._query(command)
            case SetLeverage():
                return self._set_leverage(command)
            case Reconcile():
                return self._reconcile(command)

    async def _place(self, command: Place) -> list[Event]:
        order = command.order.value
        body = await self._client.call(rest.place(order), deadline=command.deadline)
        now = self._client.clock.now()
        report = replies.algo_report(body, now) if order.conditional else replies.order_report(body, now)
        # A conditional order that fired and ended at once is told by the stream.
        return [] if isinstance(report, str) else [report]

    async def _cancel(self, command: Cancel) -> list[Event]:
        body = await self._client.call(rest.cancel(command.symbol, command.client_id, conditional=command.conditional))
        now = self._client.clock.now()
        if not command.conditional:
            return [replies.order_report(body, now)]
        return [OrderReport(now, now, command.symbol, command.client_id, "CANCELED")]

    async def _cancel_all(self, command: CancelAll) -> list[Event]:
        for request in rest.cancel_all(command.symbol):
            await self._client.call(request)
        return []  # the user stream reports each order

    async def _query(self, command: QueryOrder) -> list[Event]:
        symbol, client_id = command.symbol, command.client_id
        try:
            body = await self._client.call(rest.query(symbol, client_id, conditional=command.conditional))
            now = self._client.clock.now()
            if not command.conditional:
                return [replies.order_report(body, now)]
            report = replies.algo_report(body, now)
            if isinstance(report, str):
                self._account.decoder.link(report, client_id)
                body = await self._client.call(rest.query_by_venue_id(symbol, report))
                [report] = replies.order_reports(b"[" + body + b"]", {report: client_id}, self._client.clock.now())
        except VenueError as error:
            if error.failure.code != NO_SUCH_ORDER:
                raise
            now = self._client.clock.now()
            report = OrderReport(now, command.at, symbol, client_id, "NOT_FOUND", reason=error.failure.reason)
        return [report]

    async def _set_leverage(self, command: SetLeverage) -> list[Event]:
        try:
            await self._client.call(rest.leverage(command.symbol, command.leverage))
        except VenueError as error:
            if error.failure.code not in NO_CHANGE:
                raise
        return []

    async def _reconcile(self, command: Reconcile) -> list[Event]:
        return [await self._account.snapshot(command.at)]

    def _failed(self, command: Routed, failure: Failure) -> CommandFailed:
        order = command.order.value if isinstance(command, Place) else command
        symbol, client_id = getattr(order, "symbol", ""), getattr(order, "client_id", "")
        name = _NAMES[type(command)]
        _log.warning(
            "command failed", command=name, family=failure.family, reason=failure.reason, client_id=client_id or None
        )
        return CommandFailed(
            self._client.clock.now(),
            name,
            failure.family,
            failure.reason,
            symbol,
            client_id,
            "live",
            failure.retry_after,
            command.at,
        )


def _order_of(command: Routed) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What a command waits for, and what others wait for because of it."""
    match command:
        case Place():
            order = command.order.value
            return (f"leverage/{order.symbol}",), (f"order/{order.client_id}",)
        case Cancel() | QueryOrder():
            key = (f"order/{command.client_id}",)
            return key, key
        case SetLeverage():
            key = (f"leverage/{command.symbol}",)
            return key, key
        case CancelAll() | Reconcile():
            return (), ()

"""The sockets on a real simulator: streams up, cut, silenced and renewed; orders whose replies are late or lost."""

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator, Callable, Iterator
from decimal import Decimal
from typing import TypeVar

import pytest
from support.bot_servers import Simulator, reserved_ports

from tradefleet_bot.core.events import AccountFeed, Event, FeedState, Fill, OrderReport, Stream
from tradefleet_bot.core.orders.intent import OrderIntent
from tradefleet_bot.venues.binance import account as account_module
from tradefleet_bot.venues.binance import client as client_module
from tradefleet_bot.venues.binance import market as market_module
from tradefleet_bot.venues.binance import replies, rest
from tradefleet_bot.venues.binance.account import AccountData
from tradefleet_bot.venues.binance.auth import Credentials
from tradefleet_bot.venues.binance.client import RestClient, VenueError
from tradefleet_bot.venues.binance.market import MarketData
from tradefleet_bot.venues.clock import VenueClock

pytestmark = pytest.mark.timeout(120)
T = TypeVar("T")
SYMBOL = "BTCUSDT"
ALL: frozenset[Stream] = frozenset({"trade", "quote", "depth", "mark", "open_interest"})


def _soon(low: float, high: float) -> float:
    return min(high, 0.05)


@pytest.fixture(scope="module")
def simulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulator]:
    with reserved_ports(1) as [port], Simulator(tmp_path_factory.mktemp("sim"), port) as started:
        yield started


@pytest.fixture(autouse=True)
def no_faults(simulator: Simulator) -> Iterator[None]:
    yield
    simulator.admin("faults", method="DELETE")


class Heard:
    """Events as they come; `until` waits for what they make true."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.up: set[Stream] = set()
        self._news = asyncio.Event()

    def emit(self, events: list[Event]) -> None:
        for event in events:
            if isinstance(event, FeedState):
                (self.up.add if event.up else self.up.discard)(event.stream)
        self.events += events
        self._news.set()

    async def until(self, check: Callable[[], object]) -> None:
        async with asyncio.timeout(60):
            while not check():
                self._news.clear()
                await self._news.wait()

    def of(self, kind: type[T]) -> list[T]:
        return [event for event in self.events if isinstance(event, kind)]


@contextlib.asynccontextmanager
async def connected(simulator: Simulator, key: str = "tests.sockets") -> AsyncIterator[RestClient]:
    clock = VenueClock(time.monotonic_ns, time.time_ns)
    async with RestClient(simulator.url, clock, Credentials(key, "tradefleet-sim")) as client:
        await client.sync_clock()
        yield client


@contextlib.asynccontextmanager
async def running(work: "asyncio._CoroutineLike[None]") -> AsyncIterator[None]:
    task = asyncio.ensure_future(work)
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def test_every_stream_comes_up_is_cut_and_comes_back(simulator: Simulator) -> None:
    heard = Heard()
    async with connected(simulator) as client:
        data = MarketData(simulator.url.replace("http", "ws"), client, [SYMBOL], ALL, emit=heard.emit, uniform=_soon)
        async with running(data.run()):
            await heard.until(lambda: heard.up == ALL)
            assert data.feed.not_up([SYMBOL], ALL) == []
            simulator.admin("faults", {"kind": "drop"})
            await heard.until(lambda: not heard.up & {"quote", "trade"})
            await heard.until(lambda: heard.up == ALL)
            assert data.reconnects == {"public": 1, "market": 1}
            times = [event.at for event in heard.events]
            assert times == sorted(times)
            assert data.feed.decode_errors == 0
            assert data.feed.gaps == 0


async def test_an_open_and_silent_socket_is_found_and_replaced(
    simulator: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(market_module, "SOCKET_SILENCE", 1.0)
    heard = Heard()
    async with connected(simulator) as client:
        data = MarketData(simulator.url.replace("http", "ws"), client, [SYMBOL], ALL, emit=heard.emit, uniform=_soon)
        async with running(data.run()):
            await heard.until(lambda: heard.up == ALL)
            simulator.admin("faults", {"kind": "silence", "seconds": 2.5})
            await heard.until(lambda: "quote" not in heard.up)
            await heard.until(lambda: heard.up == ALL)
            assert data.reconnects["public"] >= 1


async def test_a_connection_is_renewed_before_the_venue_ends_it(
    simulator: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(market_module, "LIFETIME", 1.0)
    heard = Heard()
    async with connected(simulator) as client:
        data = MarketData(
            simulator.url.replace("http", "ws"), client, [SYMBOL], {"quote"}, emit=heard.emit, uniform=_soon
        )
        async with running(data.run()):
            await heard.until(lambda: data.reconnects["public"] >= 2 and heard.up)
    downs = [event.reason for event in heard.of(FeedState) if not event.up]
    assert downs[0] == "connection lost: renewed before the venue's 24 h limit"


async def test_a_clock_that_was_moved_is_measured_anew(simulator: Simulator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_module, "CLOCK_EVERY", 3600.0)
    async with connected(simulator) as client, running(client.keep_clock()):
        simulator.admin("faults", {"kind": "skew", "milliseconds": 60_000, "seconds": 30})
        with pytest.raises(VenueError) as refused:
            await client.call(rest.BALANCE)
        assert refused.value.failure.family == "retry"
        assert refused.value.failure.code == -1021
        async with asyncio.timeout(30):
            while client.clock.offset < 50_000_000_000:  # noqa: ASYNC110 - a clock tells nobody that it was set
                await asyncio.sleep(0.02)
        assert await client.call(rest.BALANCE)


async def test_a_deadline_passes_before_the_order_is_sent(simulator: Simulator) -> None:
    async with connected(simulator) as client:
        with pytest.raises(VenueError) as refused:
            await client.call(rest.place(_order("late")), deadline=client.clock.now() - 1)
        assert refused.value.failure.family == "stop"
        with pytest.raises(VenueError) as absent:
            await client.call(rest.query(SYMBOL, "late", conditional=False))
        assert absent.value.failure.code == -2013


async def test_nobody_there_is_surely_not_sent(simulator: Simulator) -> None:
    with reserved_ports(1) as [port]:
        clock = VenueClock(time.monotonic_ns, time.time_ns)
        async with RestClient(f"http://127.0.0.1:{port}", clock, Credentials("k", "s")) as client:
            with pytest.raises(VenueError) as refused:
                await client.call(rest.place(_order("nowhere")))
    assert refused.value.failure.family == "retry"


def _order(client_id: str, side: str = "BUY", price: str = "100000.0", **more: object) -> OrderIntent:
    """A limit order far through the market, which trades at once."""
    return OrderIntent(
        client_id, SYMBOL, side, "entry", "LIMIT", Decimal("0.010"), Decimal(price), time_in_force="IOC", **more
    )  # type: ignore[arg-type]  # sides as text


async def _price(client: RestClient, factor: str) -> str:
    """A price so far from the mark."""
    body = await client.call(rest.Request("GET", "/fapi/v1/premiumIndex", (("symbol", SYMBOL),)))
    mark = Decimal(json.loads(body)["markPrice"])
    return str((mark * Decimal(factor)).quantize(Decimal("0.1")))


async def test_fills_arrive_by_stream_and_missed_ones_by_rest_each_once(
    simulator: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard = Heard()
    async with connected(simulator, "tests.fills") as client:
        data = AccountData(
            simulator.url.replace("http", "ws"), client, [SYMBOL], emit=heard.emit, uniform=lambda low, high: 2.0
        )
        async with running(data.run()):
            await heard.until(lambda: data.connected)
            high = await _price(client, "1.02")
            reply = replies.order_report(await client.call(rest.place(_order("first", price=high))), 0)
            assert reply.status == "FILLED"
            await heard.until(lambda: sum(f.quantity for f in heard.of(Fill)) == Decimal("0.010"))
            assert {f.client_id for f in heard.of(Fill)} == {"first"}
            # The stream is cut, and the second order trades before it is back.
            simulator.admin("faults", {"kind": "drop"})
            await heard.until(lambda: not heard.of(AccountFeed)[-1].up)
            low = await _price(client, "0.98")
            await client.call(rest.place(_order("second", "SELL", low, reduce_only=True)))
            await heard.until(lambda: heard.of(AccountFeed)[-1].up)
            second = [fill for fill in heard.of(Fill) if fill.client_id == "second"]
            assert sum(fill.quantity for fill in second) == Decimal("0.010")
            assert any(report.client_id == "second" for report in heard.of(OrderReport))
            assert len({fill.trade_id for fill in heard.of(Fill)}) == len(heard.of(Fill))
            state = await data.snapshot(requested=1)
            assert state.positions == state.orders == ()
            fees = sum(fill.fee_quote for fill in heard.of(Fill))
            realized = sum(fill.realized_quote or 0 for fill in heard.of(Fill))
            assert abs(state.wallet_quote - (Decimal(10_000) + realized - fees)) < Decimal("0.000001")


async def test_a_protective_stop_is_placed_listed_and_cancelled(simulator: Simulator) -> None:
    heard = Heard()
    async with connected(simulator, "tests.stop") as client:
        data = AccountData(simulator.url.replace("http", "ws"), client, [SYMBOL], emit=heard.emit, uniform=_soon)
        async with running(data.run()):
            await heard.until(lambda: data.connected)
            await client.call(rest.place(_order("entry", price=await _price(client, "1.02"))))
            trigger = Decimal(await _price(client, "0.95"))
            stop = OrderIntent("stop", SYMBOL, "SELL", "stop", "STOP_MARKET", Decimal("0.010"), trigger=trigger,
                               close_position=True)  # fmt: skip
            report = replies.algo_report(await client.call(rest.place(stop)), 0)
            assert isinstance(report, OrderReport)
            assert report.status == "NEW"
            state = await data.snapshot(requested=1)
            assert [(o.client_id, o.kind, o.trigger, o.close_position) for o in state.orders] == [
                ("stop", "STOP_MARKET", trigger, True)
            ]
            await client.call(rest.cancel(SYMBOL, "stop", conditional=True))
            await heard.until(
                lambda: [r for r in heard.of(OrderReport) if (r.client_id, r.status) == ("stop", "CANCELED")]
            )
            with pytest.raises(VenueError) as gone:
                await client.call(rest.cancel(SYMBOL, "stop", conditional=True))
            assert gone.value.failure.family == "stop"


async def test_a_lost_reply_is_unknown_and_the_order_is_found_by_its_id(simulator: Simulator) -> None:
    async with connected(simulator, "tests.lost") as client:
        price = await _price(client, "0.97")
        resting = OrderIntent("resting", SYMBOL, "BUY", "entry", "LIMIT", Decimal("0.010"), Decimal(price))
        simulator.admin("faults", {"kind": "lose_reply", "count": 1, "seconds": 60})
        with pytest.raises(VenueError) as lost:
            await client.call(rest.place(resting))
        assert lost.value.failure.family == "unknown"
        found = replies.order_report(await client.call(rest.query(SYMBOL, "resting", conditional=False)), 0)
        assert found.status == "NEW"
        with pytest.raises(VenueError) as duplicate:
            await client.call(rest.place(resting))
        assert duplicate.value.failure.code == -4116
        for request in rest.cancel_all(SYMBOL):
            await client.call(request)


async def test_an_expired_listen_key_is_replaced(simulator: Simulator, monkeypatch: pytest.MonkeyPatch) -> None:
    """The venue forgot the key: the stream is open and dead, which only the keep-alive finds out."""
    monkeypatch.setattr(account_module, "KEEP_ALIVE_EVERY", 0.3)
    heard = Heard()
    async with connected(simulator, "tests.key") as client:
        data = AccountData(simulator.url.replace("http", "ws"), client, [SYMBOL], emit=heard.emit, uniform=_soon)
        async with running(data.run()):
            await heard.until(lambda: data.connected)
            await client.call(rest.Request("DELETE", "/fapi/v1/listenKey", security="key"))
            await heard.until(lambda: data.reconnects >= 1)
            await heard.until(lambda: heard.of(AccountFeed)[-1].up)

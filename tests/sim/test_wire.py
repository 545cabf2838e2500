"""The simulator over real sockets, as a client sees it: books, trades, user data, faults, slow clients, the end."""

import argparse
import asyncio
import itertools
import json
import os
import signal
import sys
import time
from contextlib import asynccontextmanager

import aiohttp
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.simulator import Client, next_json

from tradefleet_sim.binance.sessions import Disconnect, Route, Session, carries
from tradefleet_sim.cli import add_commands
from tradefleet_sim.server import Config, Simulator


@asynccontextmanager
async def simulator(key="test", **config):
    async with Simulator(Config(port=0, **config)) as sim, Client(sim.url, key) as client:
        yield sim, client


class BookClient:
    """Builds a book by the venue's documented rules (A2), and says when they are broken."""

    def __init__(self) -> None:
        self.levels = {"b": {}, "a": {}}
        self.last = None
        self.history = {}

    async def follow(self, client, socket, count):
        """Applies `count` diffs; `history` has the best levels after each update id."""
        buffered = []
        while not buffered:
            buffered.append(await self._diff(socket))
        status, snapshot = await client.public("/fapi/v1/depth", symbol="BTCUSDT", limit=1000)
        assert status == 200
        at = snapshot["lastUpdateId"]
        self.levels = {"b": dict(snapshot["bids"]), "a": dict(snapshot["asks"])}
        self._remember(at)
        synced = False
        for _ in range(count):
            diff = buffered.pop(0) if buffered else await self._diff(socket)
            if diff["u"] < at:
                continue
            if synced:
                assert diff["pu"] == self.last
            else:
                assert diff["U"] <= at <= diff["u"] or diff["pu"] == at
                synced = True
            for side in "ba":
                for price, quantity in diff[side]:
                    if float(quantity):
                        self.levels[side][price] = quantity
                    else:
                        self.levels[side].pop(price, None)
            self.last = diff["u"]
            self._remember(self.last)
        assert synced

    async def _diff(self, socket):
        return await next_json(socket, lambda frame: frame.get("e") == "depthUpdate")

    def _remember(self, update):
        bid, ask = max(self.levels["b"], key=float), min(self.levels["a"], key=float)
        assert float(bid) < float(ask)
        self.history[update] = (bid, self.levels["b"][bid], ask, self.levels["a"][ask])


async def test_a_book_built_by_the_venues_rules_matches_the_book_ticker():
    async with simulator(rate=400.0) as (_, client):
        async with (
            client.stream("/public/ws/btcusdt@depth@100ms") as diffs,
            client.stream("/public/stream?streams=btcusdt@bookTicker") as quotes,
        ):
            tickers = {}

            async def listen():
                while True:
                    frame = await next_json(quotes)
                    assert frame["stream"] == "btcusdt@bookTicker"
                    data = frame["data"]
                    tickers[data["u"]] = (data["b"], data["B"], data["a"], data["A"])

            listener = asyncio.create_task(listen())
            book = BookClient()
            await book.follow(client, diffs, 25)
            listener.cancel()
        common = set(book.history) & set(tickers)
        assert len(common) >= 3
        assert all(book.history[update] == tickers[update] for update in common)


async def test_client_orders_are_on_the_book_and_their_trades_on_the_streams():
    async with simulator() as (_, client), client.stream("/market/ws/btcusdt@aggTrade") as trades:
        _, depth = await client.public("/fapi/v1/depth", symbol="BTCUSDT", limit=5)
        far = f"{float(depth['bids'][0][0]) * 0.99:.1f}"
        placed = await client.order(side="BUY", type="LIMIT", timeInForce="GTC", quantity="0.777", price=far)
        _, depth = await client.public("/fapi/v1/depth", symbol="BTCUSDT", limit=1000)
        shown = {float(price): float(quantity) for price, quantity in depth["bids"]}
        assert shown[float(far)] >= 0.777
        done = await client.order(side="BUY", type="MARKET", quantity="0.123")
        assert done["status"] == "FILLED"
        fills = await client.ok("GET", "/fapi/v1/userTrades", symbol="BTCUSDT")
        assert sum(round(float(fill["qty"]) * 1000) for fill in fills) == 123
        ids = {fill["id"] for fill in fills}
        frame = await next_json(trades, lambda frame: frame["f"] in ids)
        assert frame["m"] is False
        assert frame["p"] == fills[0]["price"]
        cancelled = await client.ok("DELETE", "/fapi/v1/order", symbol="BTCUSDT", orderId=placed["orderId"])
        assert cancelled["status"] == "CANCELED"


async def test_user_data_stream_tells_orders_fills_positions_and_conditional_orders():
    async with simulator(key="ns.bot") as (_, client):
        key = await client.listen_key()
        async with client.stream(f"/private/ws/{key}") as user:
            await client.order(side="BUY", type="MARKET", quantity="0.010", newClientOrderId="x1")
            kinds = []
            while len(kinds) < 4:
                frame = await next_json(user)
                kinds.append((frame["e"], frame.get("o", {}).get("X")))
                if frame["e"] == "ACCOUNT_UPDATE":
                    assert frame["a"]["P"][0]["pa"] == "0.010"
                    assert frame["a"]["m"] == "ORDER"
                if frame["e"] == "ORDER_TRADE_UPDATE":
                    assert frame["o"]["c"] == "x1"
            assert kinds[0] == ("ORDER_TRADE_UPDATE", "NEW")
            assert kinds[1] == ("ORDER_TRADE_UPDATE", "FILLED")
            assert {kind for kind, _ in kinds} == {"ORDER_TRADE_UPDATE", "TRADE_LITE", "ACCOUNT_UPDATE"}
            await client.ok(
                "POST",
                "/fapi/v1/algoOrder",
                algoType="CONDITIONAL",
                symbol="BTCUSDT",
                side="SELL",
                type="STOP_MARKET",
                triggerPrice="40000",
                closePosition="true",
                clientAlgoId="s1",
            )
            frame = await next_json(user)
            assert (frame["e"], frame["o"]["caid"], frame["o"]["X"]) == ("ALGO_UPDATE", "s1", "NEW")
            await client.ok("POST", "/fapi/v1/leverage", symbol="BTCUSDT", leverage=5)
            assert (await next_json(user))["ac"] == {"s": "BTCUSDT", "l": 5}


@pytest.mark.parametrize(
    "path",
    ["/private/ws/{}", "/private/ws?listenKey={}", "/private/stream?listenKey={}", "/private/stream?streams={}"],
)
async def test_every_known_way_to_open_the_user_stream(path):
    async with simulator() as (_, client):
        key = await client.listen_key()
        async with client.stream(path.format(key)) as user:
            await client.order(side="BUY", type="MARKET", quantity="0.010")
            frame = await next_json(user)
            assert frame.get("data", frame)["e"] == "ORDER_TRADE_UPDATE"
            assert ("data" in frame) == ("stream?" in path)


async def test_accounts_do_not_hear_each_other():
    async with simulator() as (sim, client), Client(sim.url, "test/sub1") as sub:
        keys = [await client.listen_key(), await sub.listen_key()]
        assert keys[0] != keys[1]
        async with sub.stream(f"/private/ws/{keys[1]}") as user:
            await client.order(side="BUY", type="MARKET", quantity="0.010")
            await sub.order(side="SELL", type="MARKET", quantity="0.020")
            frame = await next_json(user)
            assert frame["o"]["S"] == "SELL"
        aliases = {(await one.ok("GET", "/fapi/v3/balance"))[0]["accountAlias"] for one in (client, sub)}
        assert len(aliases) == 2


async def test_control_messages_and_routes():
    async with simulator() as (_, client):
        async with client.stream("/market/ws") as socket:
            await socket.send_json({"method": "SUBSCRIBE", "params": ["btcusdt@markPrice@1s", "nonsense"], "id": 1})
            assert await next_json(socket) == {"result": None, "id": 1}
            await socket.send_json({"method": "LIST_SUBSCRIPTIONS", "id": 2})
            listed = await next_json(socket, lambda frame: "id" in frame)
            assert listed == {"result": ["btcusdt@markPrice@1s", "nonsense"], "id": 2}
            frame = await next_json(socket)
            assert (frame["e"], frame["s"]) == ("markPriceUpdate", "BTCUSDT")
            await socket.send_json({"method": "SET_PROPERTY", "params": ["combined", True], "id": 3})
            await next_json(socket, lambda frame: frame.get("id") == 3)
            assert (await next_json(socket))["stream"] == "btcusdt@markPrice@1s"
            await socket.send_json({"method": "UNSUBSCRIBE", "params": ["btcusdt@markPrice@1s"], "id": 4})
            await next_json(socket, lambda frame: frame.get("id") == 4)
            await socket.send_str("{")
            assert (await next_json(socket))["code"] == 3
            await socket.send_json({"method": "SUBSCRIBE", "params": [], "id": "one"})
            assert (await next_json(socket))["code"] == 2
        async with client.stream("/ws/btcusdt@aggTrade/btcusdt@bookTicker") as legacy:  # un-routed: public class only
            for _ in range(20):
                assert (await next_json(legacy))["e"] == "bookTicker"


async def test_too_many_messages_a_second_close_the_connection():
    async with simulator() as (_, client), client.stream("/market/ws") as socket:
        for number in range(12):
            await socket.send_json({"method": "LIST_SUBSCRIPTIONS", "id": number})
        while (message := await asyncio.wait_for(socket.receive(), 10)).type is aiohttp.WSMsgType.TEXT:
            pass
        assert message.data == 1008


NAMES = st.one_of(st.sampled_from(["btcusdt@aggTrade", "!bookTicker", "btcusdt@depth5@100ms"]), st.text(max_size=20))
MESSAGES = st.one_of(
    st.text(max_size=80),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=8),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    ).map(json.dumps),
    st.fixed_dictionaries(
        {
            "method": st.sampled_from(
                ["SUBSCRIBE", "UNSUBSCRIBE", "SET_PROPERTY", "GET_PROPERTY", "LIST_SUBSCRIPTIONS"]
            ),
            "params": st.one_of(st.lists(NAMES, max_size=4), st.just(["combined", True]), st.integers()),
            "id": st.integers(-1, 2**65),
        }
    ).map(json.dumps),
)


@settings(max_examples=300, deadline=None)
@given(messages=st.lists(MESSAGES, max_size=8), route=st.sampled_from(list(Route)))
def test_any_control_message_gets_an_answer(messages, route):
    joined = set()
    session = Session(route, combined=False, join=joined.add, leave=joined.remove)
    for second, message in enumerate(messages):
        answer = json.loads(session.receive(message, float(second)))
        assert "result" in answer or isinstance(answer["code"], int)
        assert joined == {name for name in session.streams if carries(route, name)}


def test_too_many_streams_are_refused():
    session = Session(Route.MARKET, combined=False, join=lambda _: None, leave=lambda _: None)
    with pytest.raises(Disconnect):
        session.open("", "streams=" + "/".join(f"s{number}@aggTrade" for number in range(1025)))


async def test_admin_shows_accounts_and_registers_keys():
    async with simulator(balance=500) as (sim, client):
        await client.order(side="BUY", type="MARKET", quantity="0.010")
        status, account = await client.admin("GET", "/admin/accounts/test")
        assert status == 200
        assert account["positions"][0]["positionAmt"] == "0.010"
        assert account["balance"].startswith("499.")
        status, made = await client.admin("POST", "/admin/accounts", {"key": "a/b", "secret": "s", "balance": "7.5"})
        assert (status, made["balance"]) == (201, "7.50000000")
        async with Client(sim.url, "a/b", "s") as own:
            assert (await own.ok("GET", "/fapi/v3/balance"))[0]["balance"] == "7.50000000"
        for bad in ({}, {"key": "ä"}, {"key": "x", "balance": "-1"}, {"key": "x", "balance": "NaN"}, [], {"key": 1}):
            assert (await client.admin("POST", "/admin/accounts", bad))[0] == 400
        assert (await client.admin("POST", "/admin/accounts", {"key": "test", "balance": "9"}))[0] == 409
        assert (await client.admin("GET", "/admin/accounts/nobody"))[0] == 404
        _, state = await client.admin("GET", "/admin/state")
        assert state["ledger"]["deposits"] == "507.50000000"
        assert state["accounts"] == 2
        async with client.http.get(f"{client.url}/metrics") as response:
            text = await response.text()
        assert 'tradefleet_sim_orders_total{symbol="BTCUSDT"} 1.0' in text
        assert (await client.admin("DELETE", "/admin/accounts/test"))[0] == 200
        assert (await client.call("GET", "/fapi/v3/balance"))[1]["code"] == -2015


async def test_fault_sockets_are_dropped():
    async with simulator() as (_, client), client.stream("/public/ws/btcusdt@bookTicker") as socket:
        await next_json(socket)
        assert (await client.admin("POST", "/admin/faults", {"kind": "drop"}))[1] == {"dropped": 1}
        async with asyncio.timeout(10):
            while (await socket.receive()).type is aiohttp.WSMsgType.TEXT:
                pass
        assert socket.closed


async def test_fault_an_accepted_order_loses_its_reply():
    async with simulator() as (_, client):
        await client.admin("POST", "/admin/faults", {"kind": "lose_reply"})
        with pytest.raises(aiohttp.ClientError):
            await client.order(side="BUY", type="MARKET", quantity="0.010", newClientOrderId="lost")
        found = await client.ok("GET", "/fapi/v1/order", symbol="BTCUSDT", origClientOrderId="lost")
        assert found["status"] == "FILLED"
        await client.order(side="SELL", type="MARKET", quantity="0.010")  # once only


async def test_fault_connections_are_refused_until_cleared():
    async with simulator() as (_, client):
        await client.admin("POST", "/admin/faults", {"kind": "refuse", "seconds": 60})
        with pytest.raises(aiohttp.ClientError):
            await client.public("/fapi/v1/ping")
        with pytest.raises(aiohttp.ClientError):
            async with client.stream("/public/ws/btcusdt@bookTicker"):
                pass
        assert (await client.admin("GET", "/admin/faults"))[1][0]["kind"] == "refuse"
        assert (await client.admin("DELETE", "/admin/faults"))[1] == []
        assert (await client.public("/fapi/v1/ping"))[0] == 200


async def test_fault_the_clock_is_off_and_replies_are_late():
    async with simulator() as (_, client):
        await client.admin("POST", "/admin/faults", {"kind": "skew", "milliseconds": 20_000})
        status, body = await client.call("GET", "/fapi/v3/balance")
        assert (status, body["code"]) == (400, -1021)
        _, body = await client.public("/fapi/v1/time")
        client.offset = body["serverTime"] - int(time.time() * 1000)  # whoever asks for the time gets on
        assert (await client.call("GET", "/fapi/v3/balance"))[0] == 200
        await client.admin("DELETE", "/admin/faults")
        await client.admin("POST", "/admin/faults", {"kind": "delay", "milliseconds": 200})
        begin = time.monotonic()
        await client.public("/fapi/v1/ping")
        assert time.monotonic() - begin >= 0.2


async def test_fault_streams_stay_open_and_say_nothing():
    async with simulator() as (_, client), client.stream("/public/ws/btcusdt@bookTicker") as socket:
        await next_json(socket)
        await client.admin("POST", "/admin/faults", {"kind": "silence", "stream": "btcusdt@book", "seconds": 60})
        with pytest.raises(TimeoutError):
            while True:  # what was under way still arrives
                await next_json(socket, seconds=0.7)
        assert not socket.closed
        await client.admin("DELETE", "/admin/faults")
        await next_json(socket)


async def test_bad_faults_are_refused_with_a_sentence():
    async with simulator() as (_, client):
        for bad in (None, {}, {"kind": "x"}, {"kind": "delay", "seconds": "1"}, {"kind": "delay", "probability": 2}):
            status, body = await client.admin("POST", "/admin/faults", bad)
            assert (status, len(body["error"]) > 10) == (400, True)
        assert "unknown field" in (await client.admin("POST", "/admin/faults", {"kind": "drop", "x": 1}))[1]["error"]


async def test_a_client_that_does_not_read_is_cut_off_and_counted(monkeypatch):
    monkeypatch.setattr("tradefleet_sim.binance.sockets._QUEUE", 50)
    async with simulator(rate=2000.0) as (sim, client):
        reader, writer = await asyncio.open_connection("127.0.0.1", sim.port, limit=2**10)
        request = "GET /public/stream?streams=btcusdt@depth20@100ms/btcusdt@depth@0ms/btcusdt@bookTicker HTTP/1.1\r\n"
        request += "Host: sim\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        writer.write((request + "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n").encode())
        async with asyncio.timeout(60):
            while sim.metrics.registry.get_sample_value("tradefleet_sim_clients_cut_total") != 1:
                await client.public("/fapi/v1/ping")  # others are served meanwhile
        assert sim.metrics.registry.get_sample_value("tradefleet_sim_frames_dropped_total") > 50
        writer.close()
        del reader


async def test_a_faster_clock_stamps_simulated_time():
    async with simulator(speed=60.0) as (_, client):
        async with client.stream("/market/ws/btcusdt@markPrice@1s") as socket:
            stamps = [(await next_json(socket))["E"] for _ in range(30)]
        # Where the machine cannot keep up, simulated time waits for it: a second of market may then take longer.
        assert all(later - earlier >= 1_000 for earlier, later in itertools.pairwise(stamps))
        _, body = await client.public("/fapi/v1/time")
        assert body["serverTime"] > time.time() * 1000 + 20_000


def parse(*arguments):
    parser = argparse.ArgumentParser()
    add_commands(parser.add_subparsers(required=True))
    return parser.parse_args(["sim", *arguments])


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["serve", "--signal", "7"], 2),
        (["serve", "--speed", "0"], 2),
        (["serve", "--symbol", "DOGEUSDT"], 2),
        (["serve", "--balance", "much"], 2),
        (["serve", "--port", "70000"], 2),
        (["serve", "--port", "0", "--recording", "missing.gz"], 1),
        (["record", "--seed", "1", "--seconds", "1", "--out", "x.gz"], 0),
        (["record", "--seed", "1", "--seconds", "1", "--out", "x.gz", "--rate", "0"], 1),
        (["record", "--seed", "1", "--seconds", "1", "--out", "no/such/folder/x.gz"], 1),
    ],
)
def test_commands_end_with_their_code_and_one_sentence(arguments, expected, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    args = parse(*arguments)
    assert args.run(args) == expected
    assert capsys.readouterr().err.count("\n") == (1 if expected else 0)


async def test_the_command_serves_until_it_is_told_to_stop():
    code = "import sys; from tradefleet_sim.cli import *; p = argparse.ArgumentParser()"
    code += "; add_commands(p.add_subparsers()); a = p.parse_args(); sys.exit(a.run(a))"

    async def start(port):
        pipe = asyncio.subprocess.PIPE
        command = [sys.executable, "-c", code, "sim", "serve", "--port", str(port), "--json"]
        return await asyncio.create_subprocess_exec(*command, stdout=pipe, stderr=pipe)

    process = await start(0)
    said = json.loads(await asyncio.wait_for(process.stdout.readline(), 30))
    async with Client(said["rest"]) as client, client.stream("/public/ws/btcusdt@bookTicker") as socket:
        await next_json(socket)
        second = await start(said["port"])
        _, errors = await second.communicate()
        assert (second.returncode, errors.count(b"\n")) == (1, 1)
        os.kill(process.pid, signal.SIGTERM)
        async with asyncio.timeout(30):
            while (await socket.receive()).type is aiohttp.WSMsgType.TEXT:
                pass
            assert await process.wait() == 0
    assert socket.close_code == 1001


async def test_whatever_bytes_arrive_the_server_goes_on():
    paths = [b"/fapi/v1/order?%zz=1", b"/fapi/v1/order?symbol=\xff\xfe", b"//fapi/v1/ping", b"/public/ws/%zz", b"*"]
    paths += [b"/admin/accounts/%zz", b"/ws/" + b"a" * 5000, b"/fapi/v1/ping?" + b"a=1&" * 1000, b"\x00\x01"]

    async def send(method: bytes, path: bytes, body: bytes) -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", sim.port)
        head = b"%s %s HTTP/1.1\r\nHost: x\r\nX-MBX-APIKEY: k\r\nConnection: close\r\nContent-Length: %d\r\n\r\n"
        writer.write(head % (method, path, len(body)) + body)
        writer.write_eof()
        async with asyncio.timeout(10):
            answer = await reader.read()
        writer.close()
        return answer

    async with simulator() as (sim, client):
        for method in (b"GET", b"POST", b"DELETE", b"HEAD", b"FOO"):
            for path in paths:
                for body in (b"", b"a=\xff&signature=1", b"{"):
                    assert b" 500 " not in (await send(method, path, body)).split(b"\r\n")[0]
        assert (await client.public("/fapi/v1/ping"))[0] == 200

"""An exchange does not forget: killed outright at any moment, it comes back with all it has told anybody about."""

import asyncio
import json
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from support.simulator import Client

from tradefleet_sim.binance.auth import Keys
from tradefleet_sim.engine.exchange import Exchange
from tradefleet_sim.engine.orders import Kind, NewOrder, Side
from tradefleet_sim.instruments import BTCUSDT
from tradefleet_sim.market.events import Mark, Print, Snapshot
from tradefleet_sim.vault import Vault, VaultError


@asynccontextmanager
async def process(state: Path, end: signal.Signals) -> AsyncIterator[Client]:
    """`tradefleet sim serve --state` as a process of its own, ended by `end`."""
    command = [
        sys.executable,
        "-c",
        "from tradefleet_console.cli import main; raise SystemExit(main())",
        "sim",
        "serve",
        "--port=0",
        "--json",
        f"--state={state}",
    ]
    child = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    try:
        assert child.stdout is not None
        said = json.loads(await child.stdout.readline())
        async with Client(said["rest"], "keeper") as client:
            yield client
    finally:
        child.send_signal(end)
        await child.wait()


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGTERM])
async def test_orders_fills_and_positions_survive_the_process(tmp_path: Path, end: signal.Signals) -> None:
    state = tmp_path / "accounts.db"
    async with process(state, end) as client:
        mark = float((await client.public("/fapi/v1/premiumIndex", symbol="BTCUSDT"))[1]["markPrice"])
        low, lower = f"{mark * 0.98:.1f}", f"{mark * 0.97:.1f}"
        order = {"symbol": "BTCUSDT", "side": "BUY", "quantity": "0.010"}
        assert (await client.call("POST", "/fapi/v1/order", **order, type="MARKET", newClientOrderId="entry"))[0] == 200
        resting = await client.call(
            "POST", "/fapi/v1/order", **order, type="LIMIT", timeInForce="GTC", price=low, newClientOrderId="resting"
        )
        assert resting[0] == 200
        stop = await client.call(
            "POST", "/fapi/v1/algoOrder", algoType="CONDITIONAL", symbol="BTCUSDT", side="SELL", type="STOP_MARKET",
            triggerPrice=lower, closePosition="true", workingType="MARK_PRICE", clientAlgoId="stop",
        )  # fmt: skip
        assert stop[0] == 200
        await client.admin("POST", "/admin/accounts", {"key": "other", "secret": "its own"})
        before = await everything(client)
    async with process(state, signal.SIGTERM) as client:
        after = await everything(client)
        assert after == before
        again = await client.call(
            "POST", "/fapi/v1/order", **order, type="LIMIT", timeInForce="GTC", price=low, newClientOrderId="resting"
        )
        assert again[1]["code"] == -4116, "the id of an open order stays taken"
        status, cancelled = await client.call("DELETE", "/fapi/v1/order", symbol="BTCUSDT", origClientOrderId="resting")
        assert (status, cancelled["status"]) == (200, "CANCELED")
        async with Client(client.url, "other", "its own") as other:
            assert (await other.call("GET", "/fapi/v2/account"))[0] == 200, "a registered key keeps its secret"


async def everything(client: Client) -> dict[str, object]:
    """What an account can ask about itself, less what moves with the market."""
    account = (await client.call("GET", "/fapi/v2/account"))[1]
    position = next(p for p in account["positions"] if p["symbol"] == "BTCUSDT")
    return {
        "wallet": account["totalWalletBalance"],
        "position": (position["positionAmt"], position["entryPrice"]),
        "orders": (await client.call("GET", "/fapi/v1/openOrders", symbol="BTCUSDT"))[1],
        "algos": (await client.call("GET", "/fapi/v1/openAlgoOrders", symbol="BTCUSDT"))[1],
        "entry": (await client.call("GET", "/fapi/v1/order", symbol="BTCUSDT", origClientOrderId="entry"))[1],
        "trades": (await client.call("GET", "/fapi/v1/userTrades", symbol="BTCUSDT"))[1],
    }


def test_restored_orders_stand_in_the_book_fill_and_leave_it(tmp_path: Path) -> None:
    def fresh() -> Exchange:
        made = Exchange([BTCUSDT])
        made.market("BTCUSDT", Snapshot(1, 1, [(600_000, 50)], [(600_001, 50)]))
        made.market("BTCUSDT", Mark(1, "60000.0", "60000.0", "60000.0", "0.0001", 10**13))
        return made

    before = fresh()
    account = before.account("keeper", 2)
    orders = [before.place(account, NewOrder("BTCUSDT", Side.BUY, Kind.LIMIT, 10, 599_990 + i), 2) for i in range(2)]
    before.set_countdown(account, "BTCUSDT", 60_000, 2)
    vault = Vault(tmp_path / "accounts.db")
    vault.save(before.state, Keys(), {"keeper"})
    after = Exchange([BTCUSDT])
    assert vault.restore(after.state, Keys())
    vault.close()
    after.resume()
    account, book = after.account("keeper", 3), after.state.symbols["BTCUSDT"].book
    assert after.health(account).equity == before.health(before.account("keeper", 3)).equity  # before any market
    after.market("BTCUSDT", Snapshot(3, 1, [(600_000, 50), (599_991, 5)], [(600_001, 50)]))
    assert (book.bids.displayed(599_990), book.bids.displayed(599_991)) == (10, 15)
    after.market("BTCUSDT", Print(4, 599_991, 8, buyer_is_maker=True))
    assert account.orders[orders[1].id].filled == 3
    after.cancel(account, orders[0].id, 5)
    assert book.bids.displayed(599_990) == 0
    after.tick(60_002)
    assert not account.orders
    assert after.state.last_id >= before.state.last_id


def test_a_file_that_is_no_vault_is_refused_in_one_sentence(tmp_path: Path) -> None:
    file = tmp_path / "notes.txt"
    file.write_text("not a database, " * 100)
    with pytest.raises(VaultError, match=r"notes\.txt: cannot be used to keep accounts"):
        Vault(file)

"""A live bot on the simulator, over real sockets: trading, and everything that may break around it."""

import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.bot_driver import Scripted
from support.bot_servers import Bot, Json, Simulator, configuration, fetch, reserved_ports, wait_for

from tradefleet_bot.core.decision import Action
from tradefleet_bot.shell.replay import replay

pytestmark = pytest.mark.timeout(240)  # starting processes on a busy machine takes its time

LONG = ("OPEN_LONG", "HOLD")


@pytest.fixture
def ports() -> Iterator[list[int]]:
    with reserved_ports(2) as found:
        yield found


@pytest.fixture
def simulator(tmp_path: Path, ports: list[int]) -> Iterator[Simulator]:
    with Simulator(tmp_path, ports[0]) as started:
        yield started


@pytest.fixture
def config(tmp_path: Path, simulator: Simulator, ports: list[int]) -> Json:
    return configuration(tmp_path, simulator.url, ports[1])


def _protected(report: Json) -> bool:
    return (
        len(report["positions"]) == 1 and report["positions"][0]["stopPrice"] is not None and report["openOrders"] == 2
    )


def _orders(folder: Path) -> list[tuple[str, str, str]]:
    database = sqlite3.connect(folder / "data" / "ledger.db")
    try:
        return database.execute("SELECT client_id, leg, status FROM orders ORDER BY at").fetchall()
    finally:
        database.close()


def _ordered(folder: Path, leg: str, count: int) -> bool:
    return sum(order[1] == leg for order in _orders(folder)) == count


def test_it_opens_protects_closes_and_its_journal_replays(tmp_path: Path, simulator: Simulator, config: Json) -> None:
    script: list[Action] = ["OPEN_LONG", "HOLD", "CLOSE", "HOLD"]
    with Bot(tmp_path, config, *script) as bot:
        bot.until("a protected position", _protected)
        account = simulator.account()
        assert {algo["orderType"] for algo in account["algoOrders"]} == {"STOP_MARKET", "TAKE_PROFIT_MARKET"}
        report = bot.until("flat again", lambda r: r["flat"] and r["fills"] >= 2)
        account = simulator.account()
        assert account["positions"] == account["orders"] == account["algoOrders"] == []
        assert report["equityQuote"] == pytest.approx(float(account["balance"]), abs=1e-6)
        assert report["reconciled"]
        assert report["errors"] == 0
        assert report["lastDecision"]["reason"]
        assert fetch(f"{bot.url}/readiness") == (200, "ok\n")
        assert fetch(f"{bot.url}/healthz") == (200, "ok\n")
        _, metrics = fetch(f"{bot.url}/metrics")
        labels = 'arm="stable",bot="bot",model="scripted",namespace="tests"'
        assert f"tradefleet_bot_fills_total{{{labels}}}" in metrics
        assert f'tradefleet_bot_decisions_total{{action="CLOSE",{labels}}} 1.0' in metrics
        assert bot.stop() < 10
        assert bot.process.returncode == 0
    legs = [(leg, status) for _, leg, status in _orders(tmp_path)]
    assert ("entry", "FILLED") in legs
    assert ("stop", "CANCELED") in legs
    assert ("exit", "FILLED") in legs
    [run] = (tmp_path / "data" / "journal").iterdir()
    outcome = replay(run, Path(config["model"]["path"]), None, lambda b: Scripted(b, script))
    assert outcome.difference is None
    assert outcome.torn_bytes == 0
    assert outcome.commands > 10
    assert json.dumps(outcome.facts())


def test_a_position_survives_a_lost_reply_cut_sockets_a_kill_and_a_stop(
    tmp_path: Path, simulator: Simulator, config: Json
) -> None:
    # The entry is accepted, and its reply lost: it is asked for by its client id and not sent again.
    simulator.admin("faults", {"kind": "lose_reply", "count": 1, "seconds": 60})
    with Bot(tmp_path, config, "OPEN_LONG", "HOLD") as bot:
        before = bot.until("a protected position", _protected)
        assert [line["family"] for line in bot.logged("command failed")] == ["unknown"]
        wait_for("one entry in the ledger", lambda: _ordered(tmp_path, "entry", 1))
        held = simulator.account()
        assert held["positions"][0]["positionAmt"] == before["positions"][0]["quantity"]

        assert simulator.admin("faults", {"kind": "drop"})["dropped"] >= 3
        wait_for("the user stream again", lambda: len(bot.logged("user stream up")) >= 2)
        bot.until("connected and agreed", lambda r: r["connected"] and r["reconciled"] and _protected(r))
        _, metrics = fetch(f"{bot.url}/metrics")
        [line] = [line for line in metrics.splitlines() if line.startswith("tradefleet_bot_feed_reconnects_total{")]
        assert float(line.rpartition(" ")[2]) >= 2
        bot.kill()

    with Bot(tmp_path, config, "HOLD") as bot:
        after = bot.until("the same position, protected", _protected)
        assert after["positions"][0]["quantity"] == before["positions"][0]["quantity"]
        assert after["positions"][0]["stopPrice"] == before["positions"][0]["stopPrice"]
        assert after["ordersSent"] == 0
        [*_, since] = bot.logged("user stream up")
        assert since["missed"] > 0  # it asked what had become of its orders since it was last alive
        assert bot.stop() < 10
        assert bot.process.returncode == 0
    account = simulator.account()
    assert account["positions"][0]["positionAmt"] == held["positions"][0]["positionAmt"]
    assert account["orders"] == []
    assert [(a["clientAlgoId"], a["algoStatus"]) for a in account["algoOrders"]] == [
        (a["clientAlgoId"], "NEW") for a in held["algoOrders"]
    ]


def test_a_simulator_that_dies_and_comes_back_empty_costs_no_duplicate_order(
    tmp_path: Path, simulator: Simulator, config: Json, ports: list[int]
) -> None:
    with Bot(tmp_path, config, *LONG) as bot:
        bot.until("a protected position", _protected)
        simulator.kill()
        bot.until("no risk while the feed is down", lambda r: not r["connected"] and r["halted"])
        with Simulator(tmp_path, ports[0]) as fresh:
            # The new simulator has never heard of the position: what is not there cannot be protected or closed.
            report = bot.until("reconciled with what is there", lambda r: r["connected"] and r["flat"])
            account = fresh.account()
            assert account["positions"] == account["orders"] == account["algoOrders"] == []
            assert report["halted"] is not None
            wait_for("still one entry", lambda: _ordered(tmp_path, "entry", 1))
            assert len(bot.logged("user stream up")) >= 2


def test_a_missing_bundle_is_waited_for_and_said(tmp_path: Path, simulator: Simulator, config: Json) -> None:
    bundle = Path(config["model"]["path"])
    content = bundle.read_bytes()
    bundle.write_bytes(content[:-512])
    with Bot(tmp_path, config, "HOLD") as bot:
        code, why = wait_for("the refusal", lambda: _refusal(bot, "digest mismatch"))
        assert (code, config["model"]["sha256"] in why) == (503, True)
        assert fetch(f"{bot.url}/healthz")[0] == 200
        bundle.write_bytes(content)
        wait_for("ready once mended", lambda: fetch(f"{bot.url}/readiness")[0] == 200)


def test_a_symbol_the_venue_does_not_list_is_named(tmp_path: Path, simulator: Simulator, config: Json) -> None:
    with Bot(tmp_path, config | {"symbols": ["DOGEUSDT"]}, "HOLD") as bot:
        wait_for("the refusal", lambda: _refusal(bot, "symbol DOGEUSDT is not listed"))


def test_a_wrong_key_is_said_and_nothing_is_traded(tmp_path: Path, simulator: Simulator, config: Json) -> None:
    secrets = tmp_path / "secrets"
    secrets.mkdir()
    (secrets / "apiKey").write_text("tests.other")
    (secrets / "apiSecret").write_text("not the secret")
    config["venue"] |= {"credentialsPath": str(secrets)}
    with Bot(tmp_path, config, *LONG) as bot:
        wait_for(
            "the reason in the log", lambda: [x for x in bot.logged("account not usable") if "-1022" in x["reason"]]
        )
        report = bot.until("halted", lambda r: r["halted"])
        assert report["ordersSent"] == 0
        assert "not the secret" not in bot.log.read_text()


def _refusal(bot: Bot, text: str) -> tuple[int, str] | None:
    code, why = fetch(f"{bot.url}/readiness")
    return (code, why) if text in why else None


def test_no_cluster_and_no_orders_is_one_sentence(tmp_path: Path, simulator: Simulator, config: Json) -> None:
    del config["orders"]
    with Bot(tmp_path, config, "HOLD") as bot:
        assert bot.process.wait(60) == 1
        assert "set `orders` in the configuration" in bot.log.read_text()

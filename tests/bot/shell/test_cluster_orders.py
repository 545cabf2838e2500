"""A live bot that takes its orders from a real API server: the kill switch and deletion reach the venue."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from support.apiserver import ApiServer
from support.bot_servers import Bot, Json, Simulator, configuration, reserved_ports
from support.bot_space import make_space

pytestmark = pytest.mark.timeout(240)


@pytest.fixture
def ports() -> Iterator[list[int]]:
    with reserved_ports(2) as found:
        yield found


def test_the_kill_switch_flattens_a_removed_one_allows_trading_and_deletion_flattens_for_good(
    tmp_path: Path, ports: list[int], apiserver_crds: ApiServer
) -> None:
    space = make_space(apiserver_crds, tmp_path)
    risk = {"maxTradesPerDay": 1000, "maxOrdersPerMinute": 600, "maxPositionRatio": 0.9}
    space.patch({"metadata": {"finalizers": ["tradefleet.dev/flatten"]}, "spec": {"risk": risk}})
    with Simulator(tmp_path, ports[0]) as simulator:
        config = configuration(tmp_path, simulator.url, ports[1])
        del config["orders"]
        config["bot"] = {"namespace": space.name, "name": "b"}
        key = f"{space.name}.b"
        access = f"{space.api.url} {space.api.token_file} {space.api.ca_file}"
        with Bot(tmp_path, config, "OPEN_LONG", TEST_API=access) as bot:
            waiting = bot.until("no orders yet", lambda r: r["halted"])
            assert waiting["mandateSequence"] is None
            digest = config["model"]["sha256"]
            space.order(4, modelDigest=digest, capitalQuote=5000, maxPositionRatio=0.9)
            bot.until("the mandate", lambda r: r["mandateSequence"] == 4)
            bot.until("a protected position", _protected)

            space.annotate(halt="Flatten")
            report = bot.until("flat", lambda r: r["flat"])
            assert "Flatten" in report["halted"]
            account = simulator.account(key)
            assert account["positions"] == account["orders"] == account["algoOrders"] == []

            space.annotate(halt=None)
            bot.until("trading again", _protected)
            status, _ = apiserver_crds.request("DELETE", space.path())
            assert status == 200
            report = bot.until("flat because of the deletion", lambda r: r["flat"])
            assert "deleted" in report["halted"]
            account = simulator.account(key)
            assert account["positions"] == account["orders"] == account["algoOrders"] == []
            space.patch({"metadata": {"finalizers": None}})


def _protected(report: Json) -> bool:
    return len(report["positions"]) == 1 and report["positions"][0]["stopPrice"] is not None

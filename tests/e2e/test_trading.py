"""The main road: a bot that trades on paper, and one that sends real orders over the wire to the simulator."""

import time
from typing import Any

import pytest
from e2e.conftest import BOTS
from e2e.kube import Namespace, eventually
from e2e.manifests import ZOO, bot, digest

pytestmark = pytest.mark.timeout(300, func_only=True)


def with_fill(kube: Namespace, name: str) -> dict[str, Any] | None:
    report = kube.report(name)
    return report if report and report["fills"] > 0 else None


def test_paper_bot_decides_within_a_minute_and_fills(fleet: Namespace) -> None:
    applied = time.monotonic()
    fleet.apply(bot("paper"))
    first = eventually(lambda: (fleet.report("paper") or {}).get("lastDecision"), "a first decision", 60)
    assert time.monotonic() - applied <= 60
    assert first["reason"]
    report = eventually(lambda: with_fill(fleet, "paper"), "a first fill on paper", 120)
    assert report["mode"] == "paper"
    assert report["modelDigest"] == digest(ZOO / "demo-v1.tar")
    assert 5_000 < report["equityQuote"] < 20_000
    status = eventually(lambda: (s := fleet.status("paper")).get("phase") == "Healthy" and s, "phase Healthy", 60)
    assert status["stable"] == {"name": "demo-v1", "digest": digest(ZOO / "demo-v1.tar")}
    assert status["mandates"]["stable"]["mode"] == "paper"


def test_live_bot_sends_real_orders_and_keeps_a_protective_stop(fleet: Namespace, system: Namespace) -> None:
    report = eventually(lambda: with_fill(fleet, "wire"), "a first fill over the wire", 150)
    assert report["mode"] == "live"
    assert report["ordersSent"] >= 1
    account = sim_account(system, f"{BOTS}.wire")
    assert account["fills"], "the simulator's own account must have seen the fills"

    def protected() -> bool:
        seen = fleet.report("wire") or {}
        return any(p.get("stopPrice") for p in seen.get("positions", []))

    eventually(protected, "an open position with its confirmed stop", 120, every=0.2)


def sim_account(system: Namespace, key: str) -> dict[str, Any]:
    """The simulator's own view of an account, by its admin API."""
    pod = system.kubectl(
        "get", "pods", "-l", "app.kubernetes.io/component=sim", "-o", "jsonpath={.items[0].metadata.name}"
    )
    account: dict[str, Any] | None = system.pod_http(pod, 9010, f"/admin/accounts/{key}")
    assert account is not None, f"the simulator knows no account {key}"
    return account

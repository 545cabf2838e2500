"""What must hold while parts are gone: operator killed, simulator killed, kill switch, deletion."""

import pytest
from e2e.conftest import BOTS, RELEASE
from e2e.kube import Namespace, eventually
from e2e.test_trading import sim_account, with_fill

pytestmark = pytest.mark.timeout(300, func_only=True)


def decided_at(kube: Namespace, name: str) -> str | None:
    decision = (kube.report(name) or {}).get("lastDecision")
    return decision["time"] if decision else None


def test_bots_trade_on_and_obey_the_kill_switch_while_the_operator_is_gone(fleet: Namespace, system: Namespace) -> None:
    eventually(lambda: with_fill(fleet, "alone"), "a first fill", 150)
    deployment = f"deployment/{RELEASE}-tradefleet-operator"
    system.kubectl("scale", deployment, "--replicas=0")
    try:
        eventually(lambda: "operator" not in system.kubectl("get", "pods", "-o", "name"), "the operator gone", 60)
        before = decided_at(fleet, "alone")
        eventually(lambda: decided_at(fleet, "alone") not in (None, before), "decisions without the operator", 30)
        fleet.kubectl("annotate", "tradingbot", "alone", "tradefleet.dev/halt=Flatten")
        eventually(lambda: (fleet.report("alone") or {}).get("flat"), "flat by the kill switch", 30)
        assert sim_account(system, f"{BOTS}.alone")["positions"] == []
    finally:
        system.kubectl("scale", deployment, "--replicas=1")
    fleet.kubectl("annotate", "tradingbot", "alone", "tradefleet.dev/halt-")
    fills = (fleet.report("alone") or {})["fills"]
    eventually(lambda: (fleet.report("alone") or {}).get("fills", 0) > fills, "trading again once re-armed", 120)


def test_simulator_killed_and_restarted(fleet: Namespace, system: Namespace) -> None:
    eventually(lambda: with_fill(fleet, "cut"), "a first fill", 150)
    known = sim_account(system, f"{BOTS}.cut")["fills"]
    system.kubectl("delete", "pod", system.pod_of("sim"), "--grace-period=0", "--force")
    before = decided_at(fleet, "cut")
    eventually(lambda: not (fleet.report("cut") or {})["connected"], "the bot notices", 30, every=0.2)
    eventually(lambda: (r := fleet.report("cut")) and r["connected"] and r["reconciled"], "reconnected, reconciled", 90)
    eventually(lambda: decided_at(fleet, "cut") not in (None, before), "decisions again", 60)
    account = sim_account(system, f"{BOTS}.cut")
    assert account["fills"] >= known, "an exchange does not forget"
    ids = account["clientOrderIds"]
    assert len(ids) == len(set(ids)), "no order was sent twice"


def test_deleting_a_bot_flattens_it_first(fleet: Namespace, system: Namespace) -> None:
    eventually(lambda: with_fill(fleet, "gone"), "a first fill", 150)
    fleet.kubectl("delete", "tradingbot", "gone", "--timeout=90s")
    account = sim_account(system, f"{BOTS}.gone")
    assert account["positions"] == []
    assert account["orders"] == account["algoOrders"] == []
    eventually(lambda: fleet.get("statefulset", "gone-stable") is None, "its children gone", 60)

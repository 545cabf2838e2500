"""The whole road of a model change on a real API server: verified, shadowed, promoted; or refused and rolled back."""

import pytest

from .conftest import Fleet
from .playground import eventually

A, B, C = "a" * 64, "b" * 64, "c" * 64


def running(fleet: Fleet, name: str) -> str | None:
    found = fleet.get("statefulsets", f"{name}-stable")
    digest: str | None = found and found["spec"]["template"]["metadata"]["annotations"]["tradefleet.dev/digest"]
    return digest


def change(fleet: Fleet, name: str, model: str) -> None:
    fleet.patch(name, {"spec": {"model": {"name": model}}})


def test_a_verified_model_goes_through_shadow_to_stable(fleet: Fleet) -> None:
    fleet.model("v1", A)
    fleet.bot("btc", "v1")
    status = fleet.phase("btc", "Healthy")
    assert status["stable"] == {"name": "v1", "digest": A}
    assert status["mandates"]["stable"]["modelDigest"] == A
    spec = fleet.get("tradingbots", "btc")
    assert spec is not None

    fleet.model("v2", B)
    change(fleet, "btc", "v2")
    status = eventually(lambda: (s := fleet.status("btc")).get("stable", {}).get("name") == "v2" and s, "promotion")
    assert running(fleet, "btc") == B
    assert [entry["outcome"] for entry in status["history"]] == ["Promoted"]
    assert status["mandates"]["stable"]["sequence"] > 1
    eventually(lambda: fleet.get("statefulsets", "btc-shadow") is None, "the shadow arm gone")
    eventually(lambda: "shadow" not in " ".join(fleet.names("configmaps")), "its configuration gone")
    assert len([name for name in fleet.names("configmaps") if "stable" in name]) == 1, "the old one is collected"
    fleet.phase("btc", "Healthy")
    after = fleet.get("tradingbots", "btc")
    assert after is not None
    assert after["metadata"]["generation"] == spec["metadata"]["generation"] + 1, "only the user wrote the spec"
    assert {"ModelSelected", "RolloutShadow", "RolloutPromote", "Promoted", "Ready"} <= set(fleet.events("btc"))
    eventually(lambda: fleet.status("v2", "modelversions").get("usedBy") == ["btc"], "used by the bot")
    eventually(lambda: "usedBy" not in fleet.status("v1", "modelversions"), "no longer used")


def test_a_tampered_model_is_refused_and_stable_never_notices(fleet: Fleet) -> None:
    fleet.kubelet.script.measured[B] = C
    fleet.model("v1", A)
    fleet.bot("btc", "v1")
    fleet.phase("btc", "Healthy")
    pods = fleet.names("pods")
    fleet.model("bad", B)
    change(fleet, "btc", "bad")
    status = eventually(lambda: (s := fleet.status("btc")).get("failed") and s, "the refusal")
    assert status["failed"] == {"name": "bad", "digest": B}
    assert (status["phase"], status["stable"]["name"]) == ("Degraded", "v1")
    assert C in fleet.status("bad", "modelversions")["message"], "the measured digest is named"
    assert fleet.status("bad", "modelversions")["phase"] == "Rejected"
    assert fleet.status("bad", "modelversions")["digest"] == C
    assert "Rejected" in fleet.events("btc")
    assert "Rejected" in fleet.events("bad")
    assert [pod for pod in fleet.names("pods") if "stable" in pod] == [pod for pod in pods if "stable" in pod]
    assert B not in fleet.kubelet.digests_started
    eventually(lambda: not [job for job in fleet.names("jobs") if "bad" in job], "its Job stopped")
    change(fleet, "btc", "v1")
    fleet.phase("btc", "Healthy")


def test_what_is_missing_is_waited_for_with_a_reason_and_found(fleet: Fleet) -> None:
    """No ModelVersion, then no ConfigMap behind it, then a server that does not answer; each mends itself."""
    fleet.kubelet.script.unreachable.add(A)
    fleet.bot("early", "late")
    condition = eventually(lambda: fleet.condition("early", "ModelVerified"), "a condition")
    assert (condition["status"], condition["reason"]) == ("False", "ModelVersionNotFound")
    assert "late" in condition["message"]
    fleet.model("late", A, "configmap://bundles/late.tar")
    said = eventually(lambda: "no ConfigMap bundles" in fleet.status("late", "modelversions").get("message", ""), "why")
    assert said
    body = {"metadata": {"name": "bundles"}, "binaryData": {"late.tar": "AAAA"}}
    assert fleet.kube.request("POST", fleet.path("configmaps"), body)[0] == 201
    eventually(lambda: "503" in fleet.status("late", "modelversions").get("message", ""), "the next reason")
    assert fleet.get("statefulsets", "early-stable") is None, "no pod churn"
    fleet.kubelet.script.unreachable.clear()
    fleet.phase("early", "Healthy")


def test_an_invalid_spec_keeps_the_last_good_one_running(fleet: Fleet) -> None:
    fleet.model("v1", A)
    fleet.bot("btc", "v1", venue={"type": "binance-usdm", "credentialsSecretRef": {"name": "keys"}})
    fleet.phase("btc", "Healthy")
    pod = fleet.get("pods", "btc-stable-0")
    fleet.patch("btc", {"spec": {"mode": "live"}})
    condition = eventually(lambda: fleet.condition("btc", "InvalidSpec"), "InvalidSpec")
    assert condition["status"] == "True"
    assert "mode live" in condition["message"]
    assert fleet.status("btc")["phase"] == "Degraded"
    assert fleet.status("btc")["mandates"]["stable"]["mode"] == "paper"
    fleet.patch("btc", {"spec": {"mode": "paper"}})
    fleet.phase("btc", "Healthy")
    after = fleet.get("pods", "btc-stable-0")
    assert pod is not None
    assert after is not None
    assert pod["metadata"]["uid"] == after["metadata"]["uid"]
    eventually(lambda: {"InvalidSpec", "SpecAccepted"} <= set(fleet.events("btc")), "both told")


def test_an_object_of_somebody_else_is_left_alone(fleet: Fleet) -> None:
    body = {"metadata": {"name": "btc-stable"}, "spec": {"clusterIP": "None", "ports": [{"port": 1}]}}
    assert fleet.kube.request("POST", fleet.path("services"), body)[0] == 201
    fleet.model("v1", A)
    fleet.bot("btc", "v1")
    condition = eventually(lambda: fleet.condition("btc", "Stalled"), "the refusal")
    assert condition["reason"] == "NotOwned"
    found = fleet.get("services", "btc-stable")
    assert found is not None
    assert "ownerReferences" not in found["metadata"]
    assert fleet.get("statefulsets", "btc-stable") is None


def test_drift_is_repaired_and_nothing_is_written_where_nothing_changed(fleet: Fleet) -> None:
    fleet.model("v1", A)
    fleet.bot("btc", "v1")
    fleet.phase("btc", "Healthy")
    fleet.patch("btc-stable", {"spec": {"replicas": 0}}, "statefulsets")
    eventually(lambda: (fleet.get("statefulsets", "btc-stable") or {})["spec"]["replicas"] == 1, "the repair")
    for plural in ("configmaps", "roles", "services"):
        for name in fleet.names(plural):
            if not name.startswith("btc-"):
                continue  # the operator's own rights
            fleet.kube.request("DELETE", fleet.path(plural, name))
    eventually(lambda: len(fleet.names("configmaps")) == 2 and fleet.names("services"), "all made anew")
    fleet.phase("btc", "Healthy")
    eventually(lambda: fleet.condition("btc", "Ready").get("status") == "True", "ready")
    before = [fleet.get("statefulsets", "btc-stable"), fleet.get("roles", "btc-stable")]
    fleet.patch("btc", {"metadata": {"annotations": {"note": "look again"}}})
    eventually(lambda: not fleet.status("btc").get("step"), "settled")
    assert before == [fleet.get("statefulsets", "btc-stable"), fleet.get("roles", "btc-stable")]


@pytest.mark.parametrize("fault", ["crashing", "reported", "never_ready"])
def test_a_candidate_that_does_not_run_is_rolled_back(fleet: Fleet, fault: str) -> None:
    match fault:
        case "crashing":
            fleet.kubelet.script.crashing.add(B)
        case "reported":
            fleet.kubelet.script.reported[B] = C
        case "never_ready":
            fleet.kubelet.script.never_ready.add(B)
    fleet.model("v1", A)
    fleet.model("v2", B)
    deadline = "10s" if fault == "never_ready" else "5m"
    fleet.bot("btc", "v1", rollout={"shadow": {"duration": "1s"}, "progressDeadline": deadline})
    fleet.phase("btc", "Healthy")
    change(fleet, "btc", "v2")
    status = eventually(lambda: (s := fleet.status("btc")).get("failed") and s, "the roll-back")
    words = {"crashing": "no quorum", "reported": f"reports digest {C}", "never_ready": "not healthy within 10 s"}
    assert words[fault] in status["step"]["message"]
    assert [entry["outcome"] for entry in status["history"]] == ["RolledBack"]
    assert running(fleet, "btc") == A
    eventually(lambda: fleet.get("statefulsets", "btc-shadow") is None, "the shadow arm gone")
    assert fleet.condition("btc", "Ready")["status"] == "True", "stable never noticed"


def test_a_live_bot_flattens_before_it_goes_and_a_model_in_use_stays(fleet: Fleet) -> None:
    fleet.model("v1", A)
    fleet.bot("btc", "v1", mode="live", tradingState="Running")
    fleet.phase("btc", "Healthy")
    pod = fleet.get("pods", "btc-stable-0")
    assert pod is not None
    ip = pod["status"]["podIP"]
    fleet.kubelet.bots.reports[ip]["openOrders"] = 2
    fleet.kubelet.script.reported[A] = A
    fleet.kube.request("DELETE", fleet.path("modelversions", "v1"))
    assert fleet.get("modelversions", "v1") is not None, "in use"
    fleet.kube.request("DELETE", fleet.path("tradingbots", "btc"))
    leaving = fleet.get("tradingbots", "btc")
    assert leaving is not None, "it waits for the bot to be flat"
    eventually(lambda: fleet.get("tradingbots", "btc") is None, "gone once flat")
    assert "Flattened" in fleet.events("btc")
    eventually(lambda: fleet.get("modelversions", "v1") is None, "no longer held")

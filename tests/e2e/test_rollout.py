"""Changing `model.name`: a good model is verified, shadowed and promoted; a bad or missing one never starts."""

from pathlib import Path

import pytest
from e2e.kube import Namespace, eventually
from e2e.manifests import ZOO, bot, digest, model

pytestmark = pytest.mark.timeout(300, func_only=True)


def condition(kube: Namespace, name: str, kind: str) -> dict[str, str]:
    found = [c for c in kube.status(name).get("conditions", []) if c["type"] == kind]
    return found[0] if found else {}


def change_model(kube: Namespace, name: str, model_name: str) -> None:
    kube.kubectl("patch", "tradingbot", name, "--type=merge", "-p", f'{{"spec":{{"model":{{"name":"{model_name}"}}}}}}')


def pod_uid(kube: Namespace, name: str) -> str:
    pod = kube.get("pod", f"{name}-stable-0")
    assert pod is not None
    return str(pod["metadata"]["uid"])


def test_second_model_is_promoted_and_a_tampered_third_never_starts(fleet: Namespace, tmp_path: Path) -> None:
    eventually(lambda: fleet.status("roll").get("phase") == "Healthy", "stable on demo-v1", 90)

    change_model(fleet, "roll", "demo-v2")
    eventually(lambda: fleet.status("roll").get("step", {}).get("name") == "Shadow", "the shadow step", 60)
    eventually(lambda: fleet.status("roll").get("stable", {}).get("name") == "demo-v2", "promotion", 120)
    report = eventually(lambda: (r := fleet.report("roll")) and r["model"] == "demo-v2" and r, "stable on demo-v2", 60)
    assert report["modelDigest"] == digest(ZOO / "demo-v2.tar")
    assert fleet.status("roll")["history"][-1]["outcome"] == "Promoted"
    eventually(lambda: fleet.get("statefulset", "roll-shadow") is None, "the shadow gone", 60)

    tampered = tmp_path / "tampered.tar"
    data = bytearray((ZOO / "demo-v2.tar").read_bytes())
    data[len(data) // 2] ^= 1
    tampered.write_bytes(data)
    fleet.configmap("model-tampered", tampered)
    fleet.apply(model("tampered", "model-tampered", digest(ZOO / "demo-v2.tar").replace("a", "b", 1)))
    eventually(lambda: fleet.status("roll").get("phase") == "Healthy", "healthy before the tampered change", 60)
    uid = pod_uid(fleet, "roll")
    change_model(fleet, "roll", "tampered")
    eventually(lambda: fleet.status("roll").get("failed", {}).get("name") == "tampered", "the refusal", 90)
    described = fleet.kubectl("describe", "modelversion", "tampered")
    assert "Rejected" in described
    assert digest(tampered) in described, "describe names the digest that was measured"
    assert pod_uid(fleet, "roll") == uid, "stable must never notice"
    assert fleet.get("statefulset", "roll-shadow") is None, "no pod ever started with the tampered bundle"

    change_model(fleet, "roll", "demo-v2")
    eventually(lambda: fleet.status("roll").get("phase") == "Healthy", "healthy once the change is taken back", 60)


def test_missing_model_waits_with_a_reason_and_recovers_by_itself(fleet: Namespace) -> None:
    fleet.apply(bot("early", model={"name": "late"}))
    found = eventually(lambda: condition(fleet, "early", "ModelVerified"), "a condition", 30)
    assert found["status"] == "False"
    assert "late" in found["message"]
    assert fleet.get("statefulset", "early-stable") is None, "no pod churn"
    fleet.apply(model("late", "model-demo-v1", digest(ZOO / "demo-v1.tar")))
    eventually(lambda: fleet.status("early").get("phase") == "Healthy", "recovery once it is there", 90)


def test_venue_not_offered_is_a_condition_not_a_crash(fleet: Namespace) -> None:
    fleet.apply(bot("bybit", venue={"type": "bybit-linear"}))
    found = eventually(lambda: condition(fleet, "bybit", "InvalidSpec"), "InvalidSpec", 30)
    assert found["status"] == "True"
    assert "bybit-linear" in found["message"]
    assert fleet.get("statefulset", "bybit-stable") is None
    events = fleet.kubectl("get", "events", "--field-selector", "involvedObject.name=bybit")
    assert "InvalidSpec" in events

"""The whole road of a model change on a real API server: verified, shadowed, promoted; or refused and rolled back."""

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

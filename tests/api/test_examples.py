"""The examples: accepted by a real API server as they stand, in agreement, each saying what it shows."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from support.apiserver import ApiServer
from support.kube import ROOT

from tradefleet_api.botconfig import BotConfig
from tradefleet_api.bundle import read_bundle, sha256
from tradefleet_api.names import API_VERSION

EXAMPLES = sorted((ROOT / "examples").glob("*.yaml"))
MANIFESTS = [path for path in EXAMPLES if API_VERSION in path.read_text()]


def load(path: Path) -> list[dict[str, Any]]:
    return list(yaml.safe_load_all(path.read_text()))


def test_the_promised_examples_are_there() -> None:
    bots, models = {"paper-btc.yaml", "sim-live-btc.yaml"}, {f"model-{n}.yaml" for n in ("v1", "v2", "v3-tampered")}
    assert {path.name for path in EXAMPLES} == bots | models | {"local-paper.yaml"}
    assert {path.name for path in MANIFESTS} == bots | models


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_each_begins_by_saying_what_it_shows(path: Path) -> None:
    first, second = path.read_text().splitlines()[:2]
    assert first.startswith("# ")
    assert second.startswith("#")


@pytest.mark.parametrize("path", MANIFESTS, ids=lambda path: path.name)
def test_each_is_accepted_without_a_warning(path: Path, apiserver_crds: ApiServer) -> None:
    namespace = apiserver_crds.namespace("examples")
    said = apiserver_crds.kubectl(
        "create", "--dry-run=server", "--validate=strict", "--warnings-as-errors", "-n", namespace, "-f", str(path)
    )
    assert "created (server dry run)" in said


def of_kind(kind: str) -> dict[str, dict[str, Any]]:
    return {o["metadata"]["name"]: o["spec"] for path in MANIFESTS for o in load(path) if o["kind"] == kind}


def test_names_are_what_the_demo_uses() -> None:
    bots = of_kind("TradingBot")
    assert set(bots) == {"paper-btc", "sim-live-btc"}
    assert (bots["paper-btc"]["mode"], bots["sim-live-btc"]["mode"]) == ("paper", "live")
    assert bots["sim-live-btc"]["tradingState"] == "Running"
    assert {bot["venue"]["type"] for bot in bots.values()} == {"sim"}
    assert {bot["model"]["name"] for bot in bots.values()} <= set(of_kind("ModelVersion"))


def test_digests_are_those_of_the_zoo() -> None:
    """index.json says them, the files have them, the examples repeat them; the tampered one wants demo-v2's."""
    zoo = ROOT / "models" / "zoo"
    index = json.loads((zoo / "index.json").read_text())
    assert {name: sha256((zoo / f"{name}.tar").read_bytes()) for name in ("demo-v1", "demo-v2")} == index
    artifacts = {name: spec["artifact"] for name, spec in of_kind("ModelVersion").items()}
    assert artifacts == {
        name: {"uri": f"configmap://model-{name}/bundle.tar", "sha256": index[bytes_of]}
        for name, bytes_of in (("demo-v1", "demo-v1"), ("demo-v2", "demo-v2"), ("demo-v3", "demo-v2"))
    }
    check = subprocess.run([sys.executable, ROOT / "hack/examples.py", "--check"], capture_output=True, check=False)
    assert (check.returncode, check.stdout) == (0, b"")


def test_zoo_bundles_fit_the_examples() -> None:
    """Read by the verifier as any user would, small enough for a ConfigMap, and made for the bots' interval."""
    for name in ("demo-v1", "demo-v2"):
        data = (ROOT / "models" / "zoo" / f"{name}.tar").read_bytes()
        bundle = read_bundle(data, of_kind("ModelVersion")[name]["artifact"]["sha256"])
        assert bundle.manifest.name == name
        assert len(data) < 700 * 1024
        assert {bot["decisionInterval"] for bot in of_kind("TradingBot").values()} == {
            bundle.manifest.decision_interval
        }


def test_the_local_run_is_a_bot_configuration() -> None:
    (wire,) = load(ROOT / "examples" / "local-paper.yaml")
    config = BotConfig.model_validate(wire)
    assert (ROOT / config.model.path).is_file()
    assert config.model.sha256 == of_kind("ModelVersion")[config.model.name]["artifact"]["sha256"]
    assert config.orders is not None

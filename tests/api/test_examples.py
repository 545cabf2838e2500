"""The examples: accepted by a real API server as they stand, in agreement, each saying what it shows."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from support.apiserver import ApiServer
from support.kube import ROOT

from tradefleet_api.names import API_VERSION

EXAMPLES = sorted((ROOT / "examples").glob("*.yaml"))
MANIFESTS = [path for path in EXAMPLES if API_VERSION in path.read_text()]


def load(path: Path) -> list[dict[str, Any]]:
    return list(yaml.safe_load_all(path.read_text()))


def test_the_promised_examples_are_there() -> None:
    assert {path.name for path in MANIFESTS} >= {"paper-btc.yaml", "sim-live-btc.yaml"}


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


def test_names_are_what_the_demo_uses() -> None:
    bots = {o["metadata"]["name"]: o["spec"] for path in MANIFESTS for o in load(path) if o["kind"] == "TradingBot"}
    assert set(bots) == {"paper-btc", "sim-live-btc"}
    assert (bots["paper-btc"]["mode"], bots["sim-live-btc"]["mode"]) == ("paper", "live")
    assert bots["sim-live-btc"]["tradingState"] == "Running"
    assert {bot["venue"]["type"] for bot in bots.values()} == {"sim"}

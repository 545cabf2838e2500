"""What a bot's children are made of: who gets credentials, which account, which artifact, and nothing too much."""

import json
from typing import Any

import pytest

from tradefleet_api.botconfig import BotConfig
from tradefleet_api.names import Arm
from tradefleet_api.tradingbot import ModelState, TradingBotSpec
from tradefleet_operator.manifests.common import ArmIdentity, Workload, cpu_quantity, memory_quantity
from tradefleet_operator.manifests.configmap import config_map
from tradefleet_operator.manifests.rbac import role
from tradefleet_operator.manifests.statefulset import stateful_set

from .world import DEFAULTS

A = "a" * 64


def workload(arm: Arm = "stable", uri: str = "configmap://bundles/v1.tar", **spec: Any) -> Workload:
    parsed = TradingBotSpec.model_validate({"symbols": ["BTCUSDT"], "model": {"name": "v1"}, **spec})
    return Workload(ArmIdentity("ns", "btc", "uid", arm), parsed, ModelState(name="v1", digest=A), uri, DEFAULTS)


def config(of: Workload) -> BotConfig:
    made: Any = config_map(of)
    assert made["immutable"] is True
    return BotConfig.model_validate(json.loads(made["data"]["config.yaml"]))


def pod(of: Workload) -> Any:
    made: Any = stateful_set(of, "btc-stable-0123456789")
    return made["spec"]["template"]["spec"]


BINANCE = {"venue": {"type": "binance-usdm", "credentialsSecretRef": {"name": "keys"}}}


def test_only_stable_gets_the_venues_credentials() -> None:
    secrets = [volume for volume in pod(workload(**BINANCE))["volumes"] if "secret" in volume]
    assert secrets == [{"name": "venue", "secret": {"secretName": "keys"}}]
    assert config(workload(**BINANCE)).venue.credentials_path is not None
    shadow = workload("shadow", **BINANCE)
    assert "secret" not in json.dumps(pod(shadow)["volumes"])
    assert config(shadow).venue.credentials_path is None


def test_each_arm_has_a_simulator_account_of_its_own() -> None:
    assert config(workload()).venue.account == "ns.btc"
    assert config(workload("shadow")).venue.account == "ns.btc/shadow"
    assert config(workload(**BINANCE)).venue.account is None


@pytest.mark.parametrize(
    ("venue", "rest", "stream"),
    [
        ({"type": "sim"}, "http://sim:9010", "ws://sim:9010"),
        ({"type": "sim", "endpoints": {"rest": "http://mine:1"}}, "http://mine:1", "ws://sim:9010"),
        ({"type": "binance-usdm", "network": "mainnet"}, "https://fapi.binance.com", "wss://fstream.binance.com"),
        ({"type": "binance-usdm"}, "https://demo-fapi.binance.com", "wss://demo-fstream.binance.com"),
    ],
)
def test_the_venue_is_resolved_to_full_addresses(venue: dict[str, Any], rest: str, stream: str) -> None:
    found = config(workload(venue=venue)).venue
    assert (found.rest, found.stream) == (rest, stream)


def test_the_configuration_is_named_by_its_content_and_limits_are_not_in_it() -> None:
    name = config_map(workload())["metadata"]
    assert name == config_map(workload(risk={"maxLeverage": 1}, tradingState="Paused"))["metadata"]
    assert name != config_map(workload(symbols=["ETHUSDT"]))["metadata"]


@pytest.mark.parametrize(
    ("uri", "volume"),
    [
        ("configmap://bundles/v1.tar", {"name": "artifact", "configMap": {"name": "bundles"}}),
        (
            "pvc://claim/a/b.tar",
            {"name": "artifact", "persistentVolumeClaim": {"claimName": "claim", "readOnly": True}},
        ),
        ("https://models.example/b.tar", None),
    ],
)
def test_the_artifact_is_mounted_where_fetching_looks(uri: str, volume: dict[str, Any] | None) -> None:
    spec = pod(workload(uri=uri))
    assert [item for item in spec["volumes"] if item["name"] == "artifact"] == ([volume] if volume else [])
    (fetch,) = spec["initContainers"]
    assert ("/artifact" in [mount["mountPath"] for mount in fetch["volumeMounts"]]) == (volume is not None)
    assert fetch["args"] == ["models", "fetch", "--uri", uri, "--sha256", A, "--out", "/bundle/bundle.tar"]


def test_a_bot_may_read_its_own_trading_bot_only() -> None:
    rules: Any = role(ArmIdentity("ns", "btc", "uid", "stable"))["rules"]
    assert [rule["resourceNames"] for rule in rules] == [["btc"]]
    assert {verb for rule in rules for verb in rule["verbs"]} <= {"get", "list", "watch"}


@pytest.mark.parametrize(
    ("text", "canonical"), [("512Mi", "512Mi"), ("2048Mi", "2Gi"), ("1024Gi", "1Ti"), ("1Gi", "1Gi")]
)
def test_quantities_are_written_as_the_api_server_stores_them(text: str, canonical: str) -> None:
    assert memory_quantity(text) == canonical
    assert [cpu_quantity(cpu) for cpu in ("50m", "2000m", "3", "1500m")] == ["50m", "2", "3", "1500m"]

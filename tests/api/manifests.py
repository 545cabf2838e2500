"""Manifests, good and bad, each with what the API server must say about it."""

from dataclasses import dataclass
from typing import Any

Manifest = dict[str, Any]

BOT: Manifest = {
    "apiVersion": "tradefleet.dev/v1alpha1",
    "kind": "TradingBot",
    "metadata": {"name": "btc"},
    "spec": {"symbols": ["BTCUSDT"], "model": {"name": "demo-v1"}},
}
MODEL: Manifest = {
    "apiVersion": "tradefleet.dev/v1alpha1",
    "kind": "ModelVersion",
    "metadata": {"name": "demo-v1"},
    "spec": {"artifact": {"uri": "configmap://model-demo-v1/bundle.tar", "sha256": "a" * 64}},
}
NO_KEY = {"type": "binance-usdm", "network": "mainnet"}
LIVE = NO_KEY | {"credentialsSecretRef": {"name": "binance"}}


@dataclass(frozen=True)
class Row:
    """A manifest and what must be said about it: None where it is accepted, else fragments of the refusal.

    `local`: the types refuse it too, without an API server (not so for names, and fields that it merely warns about).
    """

    title: str
    manifest: Manifest
    says: tuple[str, ...] | None = None
    local: bool = True


def bot(**spec: Any) -> Manifest:
    """The smallest TradingBot with fields of its spec replaced; None takes one away."""
    merged = {key: value for key, value in {**BOT["spec"], **spec}.items() if value is not None}
    return {**BOT, "spec": merged}


def artifact(**fields: Any) -> Manifest:
    """A ModelVersion with fields of its artifact replaced; None takes one away."""
    merged = {k: v for k, v in {**MODEL["spec"]["artifact"], **fields}.items() if v is not None}
    return {**MODEL, "spec": {"artifact": merged}}


def named(manifest: Manifest, name: str) -> Manifest:
    """The manifest under another name."""
    return {**manifest, "metadata": {"name": name}}


GOOD = [
    Row("the smallest bot", bot()),
    Row("every field said", bot(
        mode="live", tradingState="ReduceOnly", venue=LIVE | {"endpoints": {"rest": "https://x", "stream": "wss://x/y"}},
        symbols=["BTCUSDT", "1000PEPEUSDT"], decisionInterval="5s", deletionPolicy="Orphan",
        risk={"maxPositionRatio": 1, "riskPerTradeRatio": 0.1, "maxLeverage": 20, "staleAfter": "500ms"},
        execution={"stopConfirmTimeout": "1s", "orderTimeout": "1m"}, capital={"paperQuote": 0.01},
        rollout={"shadow": {"duration": "1d12h30m"}, "progressDeadline": "10s"},
        storage={"size": "1Ti", "className": "fast"},
        pod={"image": "localhost:5001/bot@sha256:abc", "cpuRequest": "2", "nodeSelector": {"disk": "ssd"}},
    )),
    Row("live on the simulator without credentials", bot(mode="live")),
    Row("live on an exchange with credentials", bot(mode="live", venue=LIVE)),
    Row("hybrid with its live symbols", bot(mode="hybrid", symbols=["BTCUSDT", "ETHUSDT"], liveSymbols=["ETHUSDT"])),
    Row("paper on an exchange without credentials", bot(venue={"type": "binance-usdm"})),
    Row("bybit is the operator's to judge", bot(venue={"type": "bybit-linear"}, symbols=["BTCPERP"])),
    Row("the other quote currency", bot(symbols=["BTCUSDC", "ETHUSDC"])),
    Row("shortest decision interval", bot(decisionInterval="1s")),
    Row("shortest decision interval in milliseconds", bot(decisionInterval="1000ms")),
    Row("longest decision interval", bot(decisionInterval="1h")),
    Row("longest decision interval in seconds", bot(decisionInterval="3600s")),
    Row("longest shadow", bot(rollout={"shadow": {"duration": "90d"}})),
    Row("longest shadow in parts", bot(rollout={"shadow": {"duration": "89d24h"}})),
    Row("risk equal to position", bot(risk={"maxPositionRatio": 0.02})),
    Row("no liquidation distance", bot(risk={"minLiquidationDistanceRatio": 0})),
    Row("request equal to limit", bot(pod={"memoryRequest": "512Mi"})),
    Row("request in other units than limit", bot(pod={"memoryRequest": "1024Mi", "memoryLimit": "1Gi"})),
    Row("twenty symbols", bot(symbols=[f"S{i}USDT" for i in range(20)])),
    Row("longest name", named(bot(), "a" * 40)),
    Row("model with dots", bot(model={"name": "v1.2.3-rc1"})),
    Row("model in a ConfigMap", artifact()),
    Row("model on a claim", artifact(uri="pvc://models/2024/btc/demo.tar")),
    Row("model on the web", artifact(uri="https://models.example:8443/demo.tar?version=1")),
    Row("model on an IPv6 host", artifact(uri="https://[2001:db8::1]/demo.tar")),
    Row("model named by a version", named(artifact(), "v1.2.3")),
]  # fmt: skip

MODES = ("mode live or hybrid on an exchange needs venue.credentialsSecretRef.name", "or use mode paper")
QUOTE = ("spec.symbols", "one and the same quote currency", "such as BTCUSDT and ETHUSDT")
HYBRID = ("spec.liveSymbols", "mode hybrid needs liveSymbols")
LONG_NAME = ("metadata.name must have at most 40 characters",)
INTERVAL = ("spec.decisionInterval", "must be between 1s and 1h")
URI = ("spec.artifact.uri", "write https://HOST/PATH, configmap://NAME/KEY or pvc://CLAIM/PATH")


def _range(field: str, low: str, value: Any, high: str) -> list[Row]:
    """Two rows for a number of `spec.risk`: `value` is (below, above)."""
    below, above = value
    return [
        Row(f"{field} too small", bot(risk={field: below}), (f"spec.risk.{field}", low)),
        Row(f"{field} too large", bot(risk={field: above}), (f"spec.risk.{field}", high)),
    ]


def _above(number: str) -> str:
    return f"should be greater than {number}"


def _at_least(number: str) -> str:
    return f"should be greater than or equal to {number}"


def _at_most(number: str) -> str:
    return f"should be less than or equal to {number}"


BAD = [
    Row("no spec", {k: v for k, v in BOT.items() if k != "spec"}, ("spec: Required value",), local=False),
    Row("no symbols", bot(symbols=None), ("spec.symbols: Required value",)),
    Row("no model", bot(model=None), ("spec.model: Required value",)),
    Row("model without a name", bot(model={}), ("spec.model.name: Required value",)),
    Row("model name in capitals", bot(model={"name": "Demo"}), ("spec.model.name", "should match")),
    Row("model name too long", bot(model={"name": "m" * 41}), ("spec.model.name", "may not be more than 40")),
    Row("unknown field", bot(simbols=[]), ('unknown field "spec.simbols"',)),
    Row("unknown nested field", bot(risk={"maxLeverge": 2}), ('unknown field "spec.risk.maxLeverge"',)),
    Row("unknown mode", bot(mode="demo"), ('spec.mode: Unsupported value: "demo"', '"paper", "hybrid", "live"')),
    Row("mode of a wrong type", bot(mode=True), ("spec.mode", "must be of type string")),
    Row("unknown state", bot(tradingState="Stopped"), ("spec.tradingState: Unsupported value", '"ReduceOnly"')),
    Row("unknown deletion policy", bot(deletionPolicy="Keep"), ("spec.deletionPolicy", '"Flatten", "Orphan"')),
    Row("unknown venue", bot(venue={"type": "ftx"}), ("spec.venue.type", '"sim", "binance-usdm", "bybit-linear"')),
    Row("unknown network", bot(venue={"network": "main"}), ("spec.venue.network", '"mainnet", "testnet"')),
    Row("REST by FTP", bot(venue={"endpoints": {"rest": "ftp://x"}}), ("spec.venue.endpoints.rest", "base URL")),
    Row("stream by HTTP", bot(venue={"endpoints": {"stream": "http://x"}}), ("endpoints.stream", "wss://host")),
    Row("live without credentials", bot(mode="live", venue=NO_KEY), MODES),
    Row("live on bybit without credentials", bot(mode="live", venue={"type": "bybit-linear"}), MODES),
    Row("hybrid without credentials", bot(mode="hybrid", liveSymbols=["BTCUSDT"], venue=NO_KEY), MODES),
    Row("credentials without a name", bot(venue={"credentialsSecretRef": {}}), ("SecretRef.name: Required",)),
    Row("no symbol at all", bot(symbols=[]), ("spec.symbols", "should have at least 1 items")),
    Row("too many symbols", bot(symbols=[f"S{i}USDT" for i in range(21)]), ("spec.symbols", "at most 20 items")),
    Row("symbol twice", bot(symbols=["BTCUSDT", "BTCUSDT"]), ('spec.symbols[1]: Duplicate value: "BTCUSDT"',)),
    Row("symbol in small letters", bot(symbols=["btcusdt"]), ("spec.symbols[0]", "should match '^[A-Z0-9]{2,20}$'")),
    Row("symbol with a slash", bot(symbols=["BTC/USDT"]), ("spec.symbols[0]", "should match")),
    Row("symbol of no such venue", bot(symbols=["BTCEUR"]), QUOTE),
    Row("two quote currencies", bot(symbols=["BTCUSDT", "ETHUSDC"]), QUOTE),
    Row("hybrid without live symbols", bot(mode="hybrid"), HYBRID),
    Row("hybrid with a stranger", bot(mode="hybrid", liveSymbols=["ETHUSDT"]), HYBRID),
    Row("live symbols on paper", bot(liveSymbols=["BTCUSDT"]), HYBRID),
    Row("decision interval too short", bot(decisionInterval="999ms"), INTERVAL),
    Row("decision interval too long", bot(decisionInterval="1h1s"), INTERVAL),
    Row("decision interval of nothing", bot(decisionInterval="0s"), INTERVAL),
    Row("decision interval in words", bot(decisionInterval="soon"), ("spec.decisionInterval", "should match")),
    Row("decision interval without a unit", bot(decisionInterval="60"), ("spec.decisionInterval", "should match")),
    Row("decision interval negative", bot(decisionInterval="-5s"), ("spec.decisionInterval", "should match")),
    Row("decision interval a number", bot(decisionInterval=60), ("spec.decisionInterval", "must be of type")),
    Row("duration that overflows", bot(decisionInterval="99999999999h"), ("spec.decisionInterval", "should match")),
    Row("shadow too long", bot(rollout={"shadow": {"duration": "90d1s"}}),
        ("spec.rollout.shadow.duration", "must be between 1s and 90d")),
    Row("deadline too short", bot(rollout={"progressDeadline": "1s"}),
        ("spec.rollout.progressDeadline", "must be between 10s and 1d")),
    Row("stop confirmed too late", bot(execution={"stopConfirmTimeout": "2m"}),
        ("spec.execution.stopConfirmTimeout", "must be between 1s and 1m")),
    Row("order timeout too short", bot(execution={"orderTimeout": "10ms"}),
        ("spec.execution.orderTimeout", "must be between 1s and 1m")),
    Row("stale too late", bot(risk={"staleAfter": "5m"}), ("spec.risk.staleAfter", "must be between 500ms and 1m")),
    *_range("maxPositionRatio", _above("0"), (0, 1.5), _at_most("1")),
    *_range("riskPerTradeRatio", _above("0"), (-0.01, 0.2), _at_most("0.1")),
    *_range("stopAtr", _above("0"), (0, 21), _at_most("20")),
    *_range("minStopRatio", _above("0"), (0, 0.3), _at_most("0.2")),
    *_range("maxLeverage", _at_least("1"), (0.5, 50), _at_most("20")),
    *_range("maxDailyLossRatio", _above("0"), (0, 2), _at_most("1")),
    *_range("maxConsecutiveLosses", _at_least("1"), (0, 1001), _at_most("1000")),
    *_range("maxTradesPerDay", _at_least("1"), (0, 100_001), _at_most("100000")),
    *_range("minLiquidationDistanceRatio", _at_least("0"), (-0.1, 1.1), _at_most("1")),
    *_range("priceCollarRatio", _above("0"), (0, 0.5), _at_most("0.2")),
    *_range("maxOrdersPerMinute", _at_least("1"), (0, 1201), _at_most("1200")),
    Row("half a trade", bot(risk={"maxTradesPerDay": 1.5}), ("spec.risk.maxTradesPerDay", "must be of type integer")),
    Row("leverage in words", bot(risk={"maxLeverage": "3x"}), ("spec.risk.maxLeverage", "must be of type number")),
    Row("risk above position", bot(risk={"maxPositionRatio": 0.01}),
        ("spec.risk.riskPerTradeRatio", "must not be more than maxPositionRatio")),
    Row("take-profit inside the stop", bot(risk={"takeProfitAtr": 1.5}),
        ("spec.risk.takeProfitAtr", "must be greater than stopAtr")),
    Row("daily loss above drawdown", bot(risk={"maxDailyLossRatio": 0.3}),
        ("spec.risk.maxDailyLossRatio", "must not be more than maxDrawdownRatio")),
    Row("no capital", bot(capital={"paperQuote": 0}), ("spec.capital.paperQuote", _above("0"))),
    Row("storage without a unit", bot(storage={"size": "1000"}), ("spec.storage.size", "should match")),
    Row("no storage", bot(storage={"size": "0Gi"}), ("spec.storage.size", "should match")),
    Row("request above limit", bot(pod={"memoryRequest": "2Gi"}),
        ("spec.pod.memoryRequest", "must not be more than memoryLimit")),
    Row("CPU in words", bot(pod={"cpuRequest": "half"}), ("spec.pod.cpuRequest", "should match")),
    Row("no image name", bot(pod={"image": ""}), ("spec.pod.image", "should be at least 1 chars long")),
    Row("too many node labels", bot(pod={"nodeSelector": {f"k{i}": "v" for i in range(17)}}),
        ("spec.pod.nodeSelector", "must have at most 16 items")),
    Row("bot name too long", named(bot(), "a" * 41), LONG_NAME, local=False),
    Row("bot name with a dot", named(bot(), "a.b"), LONG_NAME, local=False),
    Row("bot name with a digit first", named(bot(), "1a"), LONG_NAME, local=False),
    Row("model name of a ModelVersion too long", named(artifact(), "m" * 41), LONG_NAME, local=False),
    Row("no artifact", {**MODEL, "spec": {}}, ("spec.artifact: Required value",)),
    Row("no URI", artifact(uri=None), ("spec.artifact.uri: Required value",)),
    Row("no digest", artifact(sha256=None), ("spec.artifact.sha256: Required value",)),
    Row("digest too short", artifact(sha256="abc"), ("spec.artifact.sha256", "should match '^[0-9a-f]{64}$'")),
    Row("digest in capitals", artifact(sha256="A" * 64), ("spec.artifact.sha256", "should match")),
    Row("digest with its algorithm", artifact(sha256="sha256:" + "a" * 64), ("spec.artifact.sha256", "should match")),
    Row("plain HTTP", artifact(uri="http://models/demo.tar"), URI),
    Row("a scheme not offered", artifact(uri="s3://models/demo.tar"), URI),
    Row("a password in the URI", artifact(uri="https://me:secret@models/demo.tar"), URI),
    Row("a host file", artifact(uri="file:///etc/passwd"), URI),
    Row("ConfigMap without a key", artifact(uri="configmap://models"), URI),
    Row("out of the claim", artifact(uri="pvc://claim/a/../../b"), URI),
    Row("out of the ConfigMap", artifact(uri="configmap://models/.."), URI),
    Row("a URI with a line break", artifact(uri="https://models/a\nb"), URI),
    Row("a URI too long", artifact(uri="https://models/" + "a" * 1024), ("artifact.uri", "more than 1024")),
]  # fmt: skip

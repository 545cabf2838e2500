"""What a real API server says to manifests, good and bad; and that the types say the same without one."""

import http.client
from typing import Any

import pytest
from api.manifests import BAD, BOT, GOOD, MODEL, Manifest, Row, artifact, bot, named
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from support.apiserver import ApiServer

from tradefleet_api.modelversion import ModelVersionSpec
from tradefleet_api.resources import RESOURCES
from tradefleet_api.tradingbot import TradingBotSpec

PLURALS = {resource.kind: resource.plural for resource in RESOURCES}
SPECS = {"TradingBot": TradingBotSpec, "ModelVersion": ModelVersionSpec}


def url(namespace: str, manifest: Manifest, *, name: bool = False, status: bool = False) -> str:
    base = f"/apis/tradefleet.dev/v1alpha1/namespaces/{namespace}/{PLURALS[manifest['kind']]}"
    return base + (f"/{manifest['metadata']['name']}" if name else "") + ("/status" if status else "")


def create(server: ApiServer, namespace: str, manifest: Manifest, query: str = "") -> tuple[int, Any]:
    return server.request("POST", f"{url(namespace, manifest)}?fieldValidation=Strict{query}", manifest)


def patch(
    server: ApiServer, namespace: str, manifest: Manifest, change: Any, *, status: bool = False
) -> tuple[int, Any]:
    path = url(namespace, manifest, name=True, status=status)
    return server.request("PATCH", path, change, "application/merge-patch+json")


def local_fault(manifest: Manifest) -> str | None:
    """What the types say about the spec, without an API server."""
    try:
        SPECS[manifest["kind"]].model_validate(manifest["spec"])
    except ValidationError as error:
        return str(error)
    return None


@pytest.fixture(scope="module")
def namespace(apiserver_crds: ApiServer) -> str:
    return apiserver_crds.namespace("admission")


def test_the_table_is_long_enough_and_says_each_thing_once() -> None:
    rows = [*GOOD, *BAD]
    assert len(rows) >= 60
    assert len({row.title for row in rows}) == len(rows)


@pytest.mark.parametrize("row", GOOD, ids=lambda row: row.title)
def test_good(row: Row, apiserver_crds: ApiServer, namespace: str) -> None:
    code, answer = create(apiserver_crds, namespace, row.manifest, "&dryRun=All")
    assert code == http.client.CREATED, answer
    stored = SPECS[row.manifest["kind"]].model_validate(row.manifest["spec"]).to_wire()
    assert answer["spec"] == stored, "the API server's defaults are the types' defaults"


@pytest.mark.parametrize("row", BAD, ids=lambda row: row.title)
def test_bad(row: Row, apiserver_crds: ApiServer, namespace: str) -> None:
    code, answer = create(apiserver_crds, namespace, row.manifest, "&dryRun=All")
    assert code in {http.client.UNPROCESSABLE_ENTITY, http.client.BAD_REQUEST}, answer
    assert row.says is not None
    for fragment in row.says:
        assert fragment in answer["message"]
    if row.local:
        assert local_fault(row.manifest) is not None, "the types refuse it too"


DURATIONS = st.sampled_from(
    ["0s", "1s", "500ms", "499ms", "59s", "1m", "61s", "1h", "1h1ms", "1d", "90d", "9999d", "x"]
)
RATIOS = st.sampled_from([-1.0, 0.0, 1e-9, 0.02, 0.1, 0.2, 0.3, 1.0, 1.1, 20.0, 50.0])
SYMBOLS = st.sampled_from(["BTCUSDT", "ETHUSDT", "BTCUSDC", "BTCEUR", "btcusdt", "X", ""])
SPEC = st.fixed_dictionaries(
    {"symbols": st.lists(SYMBOLS, max_size=3, unique=True), "model": st.just({"name": "demo-v1"})},
    optional={
        "mode": st.sampled_from(["paper", "hybrid", "live", "demo"]),
        "liveSymbols": st.lists(SYMBOLS, max_size=2, unique=True),
        "decisionInterval": DURATIONS,
        "venue": st.fixed_dictionaries(
            {"type": st.sampled_from(["sim", "binance-usdm", "bybit-linear"])},
            optional={
                "credentialsSecretRef": st.just({"name": "binance"}),
                "endpoints": st.fixed_dictionaries(
                    {}, optional={"rest": st.sampled_from(["https://a", "http://a:1/b", "ws://a", "https:// a", "x\n"])}
                ),
            },
        ),
        "risk": st.dictionaries(
            st.sampled_from(["maxPositionRatio", "riskPerTradeRatio", "stopAtr", "takeProfitAtr", "maxDailyLossRatio"]),
            RATIOS,
        ),
        "execution": st.dictionaries(st.sampled_from(["stopConfirmTimeout", "orderTimeout"]), DURATIONS),
        "rollout": st.fixed_dictionaries({}, optional={"progressDeadline": DURATIONS}),
        "pod": st.dictionaries(
            st.sampled_from(["memoryRequest", "memoryLimit"]), st.sampled_from(["1Mi", "1Gi", "1024Mi", "1025Mi", "1G"])
        ),
    },
)  # fmt: skip


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(spec=SPEC)
def test_api_server_and_types_agree(spec: dict[str, Any], apiserver_crds: ApiServer, namespace: str) -> None:
    manifest = {**BOT, "spec": spec}
    code, answer = create(apiserver_crds, namespace, manifest, "&dryRun=All")
    fault = local_fault(manifest)
    assert (code == http.client.CREATED) == (fault is None), f"types: {fault}; API server: {answer}"


PIECES = [
    "https://",
    "configmap://",
    "pvc://",
    "a",
    "A",
    "/",
    ".",
    "..",
    ":80",
    "?x",
    "@",
    " ",
    "\n",
    "-",
    "[::1]",
    "'",
    "é",
]


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(uri=st.lists(st.sampled_from(PIECES), min_size=1, max_size=6).map("".join))
def test_api_server_and_types_agree_on_uris(uri: str, apiserver_crds: ApiServer, namespace: str) -> None:
    manifest = artifact(uri=uri)
    code, answer = create(apiserver_crds, namespace, manifest, "&dryRun=All")
    fault = local_fault(manifest)
    assert (code == http.client.CREATED) == (fault is None), f"types: {fault}; API server: {answer}"


RUNNING = {"status": {"phase": "Healthy", "stable": {"name": "demo-v1", "digest": "a" * 64}}}


class TestChanges:
    """What may change in an object that stands, and what may not."""

    def test_model_version_is_immutable(self, apiserver_crds: ApiServer, namespace: str) -> None:
        manifest = named(MODEL, "immutable")
        assert create(apiserver_crds, namespace, manifest)[0] == http.client.CREATED
        code, answer = patch(apiserver_crds, namespace, manifest, {"spec": {"artifact": {"sha256": "b" * 64}}})
        assert code == http.client.UNPROCESSABLE_ENTITY
        assert "a ModelVersion is immutable: create another one under a new name" in answer["message"]
        assert patch(apiserver_crds, namespace, manifest, {"metadata": {"labels": {"a": "b"}}})[0] == http.client.OK

    def test_storage_is_immutable(self, apiserver_crds: ApiServer, namespace: str) -> None:
        manifest = named(bot(), "storage")
        create(apiserver_crds, namespace, manifest)
        for change in ({"size": "2Gi"}, {"className": "fast"}):
            code, answer = patch(apiserver_crds, namespace, manifest, {"spec": {"storage": change}})
            assert code == http.client.UNPROCESSABLE_ENTITY
            assert "spec.storage: Forbidden: storage cannot change" in answer["message"]

    def test_account_and_symbols_stay_once_a_model_has_run(self, apiserver_crds: ApiServer, namespace: str) -> None:
        manifest = named(bot(symbols=["BTCUSDT", "ETHUSDT"]), "account")
        changes: list[tuple[dict[str, Any], str]] = [
            ({"venue": {"type": "bybit-linear"}}, "spec.venue.type and spec.venue.network cannot change"),
            ({"venue": {"network": "mainnet"}}, "spec.venue.type and spec.venue.network cannot change"),
            ({"symbols": ["BTCUSDT"]}, "spec.symbols: a symbol cannot be removed"),
        ]
        create(apiserver_crds, namespace, manifest)
        for change, _ in changes:
            assert patch(apiserver_crds, namespace, manifest, {"spec": change})[0] == http.client.OK, "nothing has run"
        back = {"spec": {"venue": {"type": "sim", "network": "testnet"}, "symbols": ["BTCUSDT", "ETHUSDT"]}}
        assert patch(apiserver_crds, namespace, manifest, back)[0] == http.client.OK
        assert patch(apiserver_crds, namespace, manifest, RUNNING, status=True)[0] == http.client.OK
        for change, says in changes:
            code, answer = patch(apiserver_crds, namespace, manifest, {"spec": change})
            assert code == http.client.UNPROCESSABLE_ENTITY
            assert says in answer["message"]
            assert "delete the bot (which flattens it) and create it anew" in answer["message"]
        more = {"spec": {"symbols": ["ETHUSDT", "BTCUSDT", "SOLUSDT"], "model": {"name": "demo-v2"}, "mode": "live"}}
        assert patch(apiserver_crds, namespace, manifest, more)[0] == http.client.OK

    def test_status_is_written_by_its_subresource_only(self, apiserver_crds: ApiServer, namespace: str) -> None:
        for kind, status in ((BOT, {"phase": "Healthy"}), (MODEL, {"phase": "Verified"})):
            manifest = named(kind, "status")
            code, answer = create(apiserver_crds, namespace, {**manifest, "status": status})
            assert code == http.client.CREATED
            assert "status" not in answer
            code, answer = patch(apiserver_crds, namespace, manifest, {"status": status})
            assert (code, "status" in answer) == (http.client.OK, False)
            code, answer = patch(apiserver_crds, namespace, manifest, {"status": status}, status=True)
            assert (code, answer["status"]) == (http.client.OK, status)
            code, answer = patch(apiserver_crds, namespace, manifest, {"spec": {"model": {"name": "x"}}}, status=True)
            assert answer["spec"] == {**answer["spec"], **manifest["spec"]}, "and it writes nothing else"

    def test_status_has_a_schema_too(self, apiserver_crds: ApiServer, namespace: str) -> None:
        manifest = named(BOT, "bad-status")
        create(apiserver_crds, namespace, manifest)
        code, answer = patch(apiserver_crds, namespace, manifest, {"status": {"phase": "Happy"}}, status=True)
        assert code == http.client.UNPROCESSABLE_ENTITY
        assert 'status.phase: Unsupported value: "Happy"' in answer["message"]


def test_kubectl_shows_the_columns(apiserver_crds: ApiServer, namespace: str) -> None:
    manifest = named(BOT, "columns")
    create(apiserver_crds, namespace, manifest)
    create(apiserver_crds, namespace, named(MODEL, "columns"))
    now = "2026-01-01T00:00:00Z"
    status = {
        **RUNNING["status"],
        "mode": "paper",
        "candidate": {"name": "demo-v2", "digest": "b" * 64},
        "step": {"name": "Shadow", "startedAt": now},
        "bot": {"equity": "10012.50", "position": "+0.010 BTCUSDT", "lastDecision": "HOLD: within the band"},
        "conditions": [{"type": "Ready", "status": "True", "reason": "Soaking", "lastTransitionTime": now}],
    }
    assert patch(apiserver_crds, namespace, manifest, {"status": status}, status=True)[0] == http.client.OK
    header, row = apiserver_crds.kubectl("get", "tb", "columns", "-n", namespace).splitlines()
    assert header.split() == ["NAME", "PHASE", "STABLE", "CANDIDATE", "STEP", "MODE", "EQUITY", "READY", "AGE"]
    assert row.split()[:-1] == ["columns", "Healthy", "demo-v1", "demo-v2", "Shadow", "paper", "10012.50", "True"]
    wide = apiserver_crds.kubectl("get", "tb", "columns", "-n", namespace, "-o", "wide").splitlines()[0]
    assert wide.split()[-3:] == ["POSITION", "DECISION", "MESSAGE"]
    models = apiserver_crds.kubectl("get", "mv", "columns", "-n", namespace).splitlines()
    assert models[0].split() == ["NAME", "PHASE", "DIGEST", "AGE"]
    both = apiserver_crds.kubectl("get", "tradefleet", "-n", namespace, "-o", "name")
    assert "tradingbot.tradefleet.dev/columns" in both
    assert "modelversion.tradefleet.dev/columns" in both


def test_kubectl_explains_every_field(apiserver_crds: ApiServer) -> None:
    text = apiserver_crds.kubectl("explain", "tradingbot.spec", "--recursive")
    assert "maxConsecutiveLosses" in text
    field = apiserver_crds.kubectl("explain", "tradingbot.spec.risk.stopAtr")
    assert "Distance of the protective stop from the entry, in average true ranges." in field

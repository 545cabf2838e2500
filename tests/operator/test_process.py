"""The operator as a process: killed mid-rollout, two replicas and one leader, health, metrics, no more rights."""

import json
import signal
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.apiserver import ApiServer

from .conftest import Fleet, operator_process, strict_namespace
from .playground import Bots, Kubelet, eventually

A, B = "a" * 64, "b" * 64
NAMES = (
    'leader_election_master_status{name="tradefleet-operator"} 1.0',
    "workqueue_depth",
    "workqueue_adds_total",
    "workqueue_queue_duration_seconds",
    "workqueue_work_duration_seconds",
    "workqueue_retries_total",
    'controller_runtime_reconcile_total{controller="TradingBot"',
    "controller_runtime_reconcile_errors_total",
    "controller_runtime_reconcile_time_seconds",
    "rest_client_requests_total",
    "tradefleet_operator_",
)


@pytest.fixture
def alone(apiserver_crds: ApiServer, bots: Bots) -> Iterator[Fleet]:
    """A namespace that no operator serves but those that the test starts."""
    namespace = strict_namespace(apiserver_crds, "alone")
    kubelet = Kubelet(apiserver_crds, namespace, bots)
    kubelet.start()
    yield Fleet(apiserver_crds, namespace, kubelet)
    kubelet.stop()


def holder(fleet: Fleet) -> str | None:
    path = f"/apis/coordination.k8s.io/v1/namespaces/{fleet.namespace}/leases/tradefleet-operator"
    code, answer = fleet.kube.request("GET", path)
    return answer["spec"].get("holderIdentity") if code == 200 else None


def scrape(port: int, path: str) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
        text: str = answer.read().decode()
        return text


def test_a_rollout_goes_on_where_the_killed_operator_left_it(alone: Fleet, bots: Bots, tmp_path: Path) -> None:
    watched = {"TRADEFLEET_WATCH_NAMESPACES": alone.namespace}
    log_one, log_two = tmp_path / "1.log", tmp_path / "2.log"
    alone.model("v1", A)
    alone.model("v2", B)
    alone.bot("btc", "v1", rollout={"shadow": {"duration": "2s"}})
    with operator_process(alone.kube, bots, log_one, alone.namespace, TRADEFLEET_POD="one", **watched) as one:
        alone.phase("btc", "Healthy")
        alone.patch("btc", {"spec": {"model": {"name": "v2"}}})
        eventually(lambda: alone.status("btc").get("step", {}).get("name") == "Shadow", "the shadow step")
        one.send_signal(signal.SIGKILL)
        one.wait()
    assert alone.status("btc")["step"]["name"] == "Shadow"
    assert alone.names("statefulsets")[-1] == "btc-stable", "bots run on"
    started = time.monotonic()
    with operator_process(alone.kube, bots, log_two, alone.namespace, TRADEFLEET_POD="two", **watched):
        eventually(lambda: alone.status("btc").get("stable", {}).get("name") == "v2", "promotion", 60)
        assert time.monotonic() - started > 6, "the dead leader's lease was respected"
        alone.phase("btc", "Healthy")
    assert [entry["outcome"] for entry in alone.status("btc")["history"]] == ["Promoted"]
    assert holder(alone) == "", "released on a clean stop"


def test_one_replica_leads_and_the_other_takes_over(alone: Fleet, bots: Bots, tmp_path: Path) -> None:
    watched = {"TRADEFLEET_WATCH_NAMESPACES": alone.namespace}
    alone.model("v1", A)
    log_one, log_two = tmp_path / "1.log", tmp_path / "2.log"
    with operator_process(alone.kube, bots, log_one, alone.namespace, TRADEFLEET_POD="one", **watched) as one:
        eventually(lambda: holder(alone) == "one", "the first leads")
        with operator_process(alone.kube, bots, log_two, alone.namespace, TRADEFLEET_POD="two", **watched) as two:
            metrics = eventually(lambda: answered(two.metrics), "the second answers")  # type: ignore[attr-defined] # set by operator_process
            assert 'leader_election_master_status{name="tradefleet-operator"} 0.0' in metrics
            assert scrape(two.health, "/healthz") == "ok"  # type: ignore[attr-defined] # set by operator_process
            one.send_signal(signal.SIGTERM)
            assert one.wait(15) == 0
            eventually(lambda: holder(alone) == "two", "a released lease is taken before it would have run out", 7)
            alone.bot("btc", "v1")
            alone.phase("btc", "Healthy")
            metrics = scrape(two.metrics, "/metrics")  # type: ignore[attr-defined] # set by operator_process
            for name in NAMES:
                assert name in metrics, name
            take_lease(alone)
            assert two.wait(15) == 1, "a leader that lost its lease ends"
    for line in (log_one.read_text() + log_two.read_text()).splitlines():
        assert json.loads(line)["event"] is not None, "every line is JSON"


def take_lease(fleet: Fleet) -> None:
    path = f"/apis/coordination.k8s.io/v1/namespaces/{fleet.namespace}/leases/tradefleet-operator"
    body = {"spec": {"holderIdentity": "thief"}}
    code, answer = fleet.kube.request("PATCH", path, body, "application/merge-patch+json")
    assert code == 200, answer


def answered(port: int) -> str | None:
    try:
        return scrape(port, "/metrics")
    except OSError:
        return None

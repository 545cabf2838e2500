"""One operator process a run, against the real API server, and namespaces with played pods."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from support.apiserver import ApiServer, reserved_port
from support.kube import ROOT

from tradefleet_operator import rbac

from .playground import Bots, Json, Kubelet, eventually

API = "tradefleet.dev/v1alpha1"
FLEETS = 12
Start = Callable[..., "subprocess.Popen[bytes]"]


@dataclass
class Fleet:
    """One namespace: what a user does in it, and what plays its pods."""

    kube: ApiServer
    namespace: str
    kubelet: Kubelet

    def model(self, name: str, digest: str, uri: str = "https://models.example/bundle.tar") -> None:
        self.create("modelversions", "ModelVersion", name, {"artifact": {"uri": uri, "sha256": digest}})

    def bot(self, name: str, model: str, **spec: Any) -> None:
        body = {"symbols": ["BTCUSDT"], "model": {"name": model}, "rollout": {"shadow": {"duration": "1s"}}, **spec}
        self.create("tradingbots", "TradingBot", name, body)

    def create(self, plural: str, kind: str, name: str, spec: Json) -> None:
        body = {"apiVersion": API, "kind": kind, "metadata": {"name": name}, "spec": spec}
        code, answer = self.kube.request("POST", self.path(plural), body)
        assert code == 201, answer.get("message")

    def patch(self, name: str, patch: Json, plural: str = "tradingbots") -> None:
        code, answer = self.kube.request("PATCH", self.path(plural, name), patch, "application/merge-patch+json")
        assert code == 200, answer.get("message")

    def path(self, plural: str, name: str | None = None) -> str:
        roots = {
            "statefulsets": "/apis/apps/v1", "jobs": "/apis/batch/v1", "roles": "/apis/rbac.authorization.k8s.io/v1",
            "tradingbots": f"/apis/{API}", "modelversions": f"/apis/{API}",
        }  # fmt: skip
        return f"{roots.get(plural, '/api/v1')}/namespaces/{self.namespace}/{plural}" + (f"/{name}" if name else "")

    def get(self, plural: str, name: str) -> Json | None:
        code, answer = self.kube.request("GET", self.path(plural, name))
        assert code in {200, 404}, answer
        return answer if code == 200 else None

    def names(self, plural: str) -> list[str]:
        code, answer = self.kube.request("GET", self.path(plural))
        assert code == 200, answer.get("message")
        return sorted(item["metadata"]["name"] for item in answer["items"])

    def status(self, name: str, plural: str = "tradingbots") -> Json:
        found: Json = (self.get(plural, name) or {}).get("status", {})
        return found

    def condition(self, name: str, kind: str, plural: str = "tradingbots") -> Json:
        items = self.status(name, plural).get("conditions", [])
        return next((item for item in items if item["type"] == kind), {})

    def phase(self, name: str, phase: str, seconds: float = 45) -> Json:
        return eventually(lambda: (s := self.status(name)).get("phase") == phase and s, f"{name} {phase}", seconds)

    def events(self, name: str) -> list[str]:
        code, answer = self.kube.request("GET", self.path("events"))
        assert code == 200, answer.get("message")
        return [item["reason"] for item in answer["items"] if item["involvedObject"]["name"] == name]


@contextmanager
def operator_process(
    server: ApiServer, bots: Bots, log: Path, namespace: str = "default", **environment: str
) -> Iterator["subprocess.Popen[bytes]"]:
    """An operator as a process of its own, as in its image; stopped with the block."""
    with reserved_port() as metrics, reserved_port() as health:
        ports = {"TRADEFLEET_METRICS_PORT": str(metrics), "TRADEFLEET_HEALTH_PORT": str(health)}
    variables = {
        **os.environ, "KUBECONFIG": str(server.kubeconfig), "TRADEFLEET_BOT_IMAGE": "registry.example/bot:1",
        "TRADEFLEET_SIM_REST": "http://sim:9010", "TRADEFLEET_SIM_STREAM": "ws://sim:9010",
        "TRADEFLEET_NAMESPACE": namespace, "TRADEFLEET_BOT_PORT": str(bots.port), **ports, **environment,
    }  # fmt: skip
    command = [sys.executable, "-c", "from tradefleet_console.cli import main; raise SystemExit(main())"]
    with log.open("ab") as out:
        process = subprocess.Popen([*command, "operator", "run"], cwd=ROOT, env=variables, stdout=out, stderr=out)
    process.health, process.metrics = health, metrics  # type: ignore[attr-defined] # for the tests that look there
    try:
        yield process
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise


def strict_namespace(server: ApiServer, prefix: str) -> str:
    """A namespace that admits only pods of the strictest Pod Security Standard: every pod of a bot must be one."""
    name = server.namespace(prefix)
    labels = {"pod-security.kubernetes.io/enforce": "restricted"}
    path, content = f"/api/v1/namespaces/{name}", "application/merge-patch+json"
    code, answer = server.request("PATCH", path, {"metadata": {"labels": labels}}, content)
    assert code == 200, answer.get("message")
    return name


def restricted(server: ApiServer, namespaces: list[str], path: Path) -> Path:
    """A kubeconfig with exactly the rights that `rbac` lists; the operator has its Lease in the first namespace."""
    subject = {"kind": "ServiceAccount", "name": "operator", "namespace": namespaces[0]}
    grants = [("watched", namespace, rbac.WATCHED) for namespace in namespaces] + [("own", namespaces[0], rbac.OWN)]
    for name, namespace, rules in grants:
        root = f"/apis/rbac.authorization.k8s.io/v1/namespaces/{namespace}"
        allowed = [{"apiGroups": [g], "resources": [r], "verbs": list(verbs)} for g, r, verbs in rules]
        role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": name}
        for plural, body in (
            ("roles", {"rules": allowed}),
            ("rolebindings", {"roleRef": role, "subjects": [subject]}),
        ):
            code, answer = server.request("POST", f"{root}/{plural}", {"metadata": {"name": name}, **body})
            assert code == 201, answer
    accounts = f"/api/v1/namespaces/{namespaces[0]}/serviceaccounts"
    assert server.request("POST", accounts, {"metadata": {"name": "operator"}})[0] == 201
    code, answer = server.request("POST", f"{accounts}/operator/token", {"spec": {"expirationSeconds": 3600}})
    assert code == 201, answer
    config = yaml.safe_load(server.kubeconfig.read_text())
    config["users"][0]["user"] = {"token": answer["status"]["token"]}
    path.write_text(yaml.safe_dump(config))
    return path


@pytest.fixture(scope="session")
def bots() -> Iterator[Bots]:
    server = Bots()
    yield server
    server.close()


@pytest.fixture(scope="session")
def served(apiserver_crds: ApiServer, bots: Bots, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[str]]:
    """Namespaces that the run's operator serves, one for each test to take."""
    log = tmp_path_factory.mktemp("operator") / "operator.log"
    namespaces = [strict_namespace(apiserver_crds, "fleet") for _ in range(FLEETS)]
    watched = ",".join(namespaces)
    kubeconfig = restricted(apiserver_crds, namespaces, log.with_name("kubeconfig"))
    with operator_process(
        apiserver_crds, bots, log, namespaces[0], TRADEFLEET_WATCH_NAMESPACES=watched, KUBECONFIG=str(kubeconfig)
    ):
        yield namespaces
    text = log.read_text()
    assert '"level": "error"' not in text, text[-4000:]


@pytest.fixture
def fleet(apiserver_crds: ApiServer, bots: Bots, served: list[str]) -> Iterator[Fleet]:
    """A namespace that the run's operator serves."""
    namespace = served.pop()
    kubelet = Kubelet(apiserver_crds, namespace, bots)
    kubelet.start()
    yield Fleet(apiserver_crds, namespace, kubelet)
    kubelet.stop()

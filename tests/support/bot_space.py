"""A bot's namespace on a real API server: its TradingBot, and the ServiceAccount that may read that one only."""

import base64
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from support.apiserver import ApiServer

from tradefleet_bot.shell.kube import Api

Json = dict[str, Any]
SPEC: Json = {"symbols": ["BTCUSDT"], "model": {"name": "m"}, "mode": "live", "tradingState": "Running"}
MANDATE: Json = {
    "sequence": 1, "modelDigest": "a" * 64, "mode": "live", "capitalQuote": 500, "maxLeverage": 3,
    "maxPositionRatio": 0.1, "lifetimeSeconds": 60,
}  # fmt: skip


@dataclass
class Space:
    """A bot's namespace with its ServiceAccount, as the operator would make it."""

    server: ApiServer
    name: str
    api: Api

    def path(self, resource: str = "/b") -> str:
        return f"/apis/tradefleet.dev/v1alpha1/namespaces/{self.name}/tradingbots{resource}"

    def patch(self, body: Json, resource: str = "/b") -> None:
        status, answer = self.server.request("PATCH", self.path(resource), body, "application/merge-patch+json")
        assert status == 200, answer

    def order(self, sequence: int, **changed: object) -> None:
        """What the operator writes: the mandate of the stable arm."""
        self.patch({"status": {"mandates": {"stable": MANDATE | {"sequence": sequence} | changed}}}, "/b/status")

    def annotate(self, **annotations: str | None) -> None:
        """Annotations of the project's own domain; None removes one."""
        self.patch({"metadata": {"annotations": {f"tradefleet.dev/{k}": v for k, v in annotations.items()}}})


def make_space(server: ApiServer, folder: Path) -> Space:
    """A namespace with the account, its one permission, its token and CA in `folder`, and a TradingBot `b`."""
    name = server.namespace("bot")
    rules = [{"apiGroups": ["tradefleet.dev"], "resources": ["tradingbots"], "resourceNames": ["b"],
              "verbs": ["get", "list", "watch"]}]  # fmt: skip
    meta = {"name": "b-stable", "namespace": name}
    rbac = "rbac.authorization.k8s.io"
    server.apply(
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": meta},
        {"apiVersion": f"{rbac}/v1", "kind": "Role", "metadata": meta, "rules": rules},
        {"apiVersion": f"{rbac}/v1", "kind": "RoleBinding", "metadata": meta,
         "roleRef": {"apiGroup": rbac, "kind": "Role", "name": "b-stable"},
         "subjects": [{"kind": "ServiceAccount", "name": "b-stable", "namespace": name}]},
    )  # fmt: skip
    tokens = f"/api/v1/namespaces/{name}/serviceaccounts/b-stable/token"
    status, answer = server.request(
        "POST", tokens, {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}}
    )
    assert status == 201, answer
    (folder / "token").write_text(answer["status"]["token"])
    cluster = yaml.safe_load(server.kubeconfig.read_text())["clusters"][0]["cluster"]
    (folder / "ca.crt").write_bytes(base64.b64decode(cluster["certificate-authority-data"]))
    bot = {"apiVersion": "tradefleet.dev/v1alpha1", "kind": "TradingBot", "metadata": {"name": "b"}, "spec": SPEC}
    space = Space(server, name, Api(server.url, folder / "token", folder / "ca.crt"))
    status, answer = server.request("POST", space.path(""), bot)
    assert status == 201, answer
    return space

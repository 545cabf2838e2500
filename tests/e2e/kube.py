"""One namespace of the real cluster, used as a person would, with waiting that says what it was waiting for."""

import json
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from support.cluster import Cluster

T = TypeVar("T")


class Namespace:
    """kubectl and helm in one namespace of the cluster."""

    def __init__(self, cluster: Cluster, name: str) -> None:
        self.cluster = cluster
        self.name = name

    def kubectl(self, *args: str, stdin: str | None = None, timeout: float = 120) -> str:
        return self.cluster.kubectl("-n", self.name, *args, stdin=stdin, timeout=timeout)

    def helm(self, *args: str, stdin: str = "", timeout: float = 180) -> str:
        done = subprocess.run(
            ["helm", "-n", self.name, *args],
            env=self.cluster.environment, input=stdin, capture_output=True, text=True, timeout=timeout, check=False,
        )  # fmt: skip
        assert done.returncode == 0, f"helm {' '.join(args)}\n{done.stdout}{done.stderr}"
        return done.stdout

    def apply(self, *manifests: dict[str, Any]) -> None:
        items = {"apiVersion": "v1", "kind": "List", "items": list(manifests)}
        self.kubectl("apply", "-f", "-", stdin=json.dumps(items))

    def get(self, kind: str, name: str) -> dict[str, Any] | None:
        """The object, or None where there is none."""
        text = self.kubectl("get", kind, name, "-o", "json", "--ignore-not-found")
        return json.loads(text) if text.strip() else None

    def status(self, bot: str) -> dict[str, Any]:
        """`status` of a TradingBot; empty before the operator's first write."""
        found = self.get("tradingbot", bot)
        return (found or {}).get("status", {})

    def pod_http(self, pod: str, port: int, path: str) -> Any | None:
        """JSON that a pod answers through the API server's proxy, or None while it does not answer."""
        code, answer = self.cluster.request("GET", f"/api/v1/namespaces/{self.name}/pods/{pod}:{port}/proxy{path}")
        return answer if code == 200 else None

    def report(self, bot: str, arm: str = "stable") -> dict[str, Any] | None:
        """What the bot's pod says at /status, or None while it does not answer."""
        answer: dict[str, Any] | None = self.pod_http(f"{bot}-{arm}-0", 8080, "/status")
        return answer

    def pod_of(self, component: str) -> str:
        """Name of the one pod of a component of the chart."""
        query = "jsonpath={.items[0].metadata.name}"
        return self.kubectl("get", "pods", "-l", f"app.kubernetes.io/component={component}", "-o", query)

    def configmap(self, name: str, bundle: Path) -> None:
        arguments = ("create", "configmap", name, f"--from-file=bundle.tar={bundle}", "--dry-run=client", "-o", "yaml")
        manifest = self.kubectl(*arguments)
        self.kubectl("apply", "--server-side", "--force-conflicts", "-f", "-", stdin=manifest)


def eventually(look: Callable[[], T], what: str, seconds: float, every: float = 0.5) -> T:
    """The first truthy answer of `look` within the time; otherwise an AssertionError with the last one."""
    deadline = time.monotonic() + seconds
    while True:
        seen = look()
        if seen:
            return seen
        assert time.monotonic() < deadline, f"not within {seconds:.0f} s: {what}; last seen {seen!r}"
        time.sleep(every)

"""kubectl and helm as a person would use them, with waiting that says what it was waiting for."""

import json
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

T = TypeVar("T")


class Kube:
    """One namespace of the real cluster, through kubectl."""

    def __init__(self, kubeconfig: Path, namespace: str, tools: Path) -> None:
        self.namespace = namespace
        self._env = {"KUBECONFIG": str(kubeconfig), "PATH": f"{tools}:/usr/local/bin:/usr/bin:/bin", "HOME": "/tmp"}

    def run(self, *args: str, stdin: str | None = None, check: bool = True) -> str:
        """Output of a command; an AssertionError with its stderr when it fails."""
        done = subprocess.run(
            args, input=stdin, env=self._env, capture_output=True, text=True, timeout=300, check=False
        )
        assert not check or done.returncode == 0, f"{' '.join(args)}\n{done.stdout}{done.stderr}"
        return done.stdout

    def kubectl(self, *args: str, stdin: str | None = None, check: bool = True) -> str:
        return self.run("kubectl", "-n", self.namespace, *args, stdin=stdin, check=check)

    def apply(self, *manifests: dict[str, Any]) -> None:
        self.kubectl(
            "apply", "-f", "-", stdin=json.dumps({"apiVersion": "v1", "kind": "List", "items": list(manifests)})
        )

    def get(self, kind: str, name: str) -> dict[str, Any] | None:
        """The object, or None where there is none."""
        text = self.kubectl("get", kind, name, "-o", "json", "--ignore-not-found")
        return json.loads(text) if text.strip() else None

    def status(self, bot: str) -> dict[str, Any]:
        """`status` of a TradingBot; empty before the operator's first write."""
        found = self.get("tradingbot", bot)
        return (found or {}).get("status", {})

    def report(self, bot: str, arm: str = "stable") -> dict[str, Any] | None:
        """What the bot's pod says at /status, or None while it does not answer."""
        path = f"/api/v1/namespaces/{self.namespace}/pods/{bot}-{arm}-0:8080/proxy/status"
        text = self.kubectl("get", "--raw", path, check=False)
        try:
            answer: dict[str, Any] = json.loads(text)
        except ValueError:
            return None
        return answer if "modelDigest" in answer else None

    def configmap(self, name: str, data: Path) -> None:
        manifest = self.kubectl(
            "create", "configmap", name, f"--from-file=bundle.tar={data}", "--dry-run=client", "-o", "yaml"
        )
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

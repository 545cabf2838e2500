"""What a cluster without nodes lacks: pods of StatefulSets and Jobs, and bots that answer at /status.

The API server is real; this plays the controllers and the kubelet by writing what they would write.
"""

import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from typing import Any, Final, TypeVar

from support.kube import Kube

T = TypeVar("T")
Json = dict[str, Any]
TICK: Final = 0.1
_ADDRESS: Final = count(2)


def eventually(look: Callable[[], T], what: str, seconds: float = 45.0) -> T:
    """The first truthy answer of `look`; an AssertionError with the last answer when time is up."""
    deadline = time.monotonic() + seconds
    while True:
        seen = look()
        if seen:
            return seen
        assert time.monotonic() < deadline, f"not within {seconds:.0f} s: {what}; last seen {seen!r}"
        time.sleep(0.05)


def now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


class Bots:
    """One HTTP server for all played bots; each has a loopback address of its own and answers from `reports`."""

    def __init__(self) -> None:
        self.reports: dict[str, Json] = {}
        bots = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                report = bots.reports.get(self.connection.getsockname()[0])
                body = json.dumps(report or {}).encode()
                self.send_response(200 if report else 503)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                return

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_: object) -> None:
                return  # whoever asked has gone: a killed operator, or one whose patience ended

        self._server = Server(("", 0), Handler)
        self.port = int(self._server.server_address[1])
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def report(namespace: str, bot: str, arm: str, digest: str, **more: Any) -> Json:
    """What a healthy bot says."""
    return {
        "namespace": namespace, "name": bot, "arm": arm, "model": "m", "modelDigest": digest, "mode": "paper",
        "tradingState": "Running", "mandateSequence": 1, "ordersFresh": True, "connected": True, "warm": True,
        "reconciled": True, "flat": True, "startedAt": now(), "equityQuote": 10_000.0, "positions": [],
        "saidByALaterRelease": True, **more,
    }  # fmt: skip


@dataclass
class Script:
    """How the played pods behave, by bundle digest."""

    measured: dict[str, str] = field(default_factory=dict)
    """Digest that fetching measures, where it is not the expected one."""
    reported: dict[str, str] = field(default_factory=dict)
    """Digest that the bot reports, where it is not the expected one."""
    crashing: set[str] = field(default_factory=set)
    never_ready: set[str] = field(default_factory=set)
    unreachable: set[str] = field(default_factory=set)
    """Artifacts that cannot be fetched (yet)."""


class Kubelet(threading.Thread):
    """Plays the pods of one namespace until it is stopped."""

    def __init__(self, kube: Kube, namespace: str, bots: Bots) -> None:
        super().__init__(daemon=True)
        self.kube, self.namespace, self.bots, self.script = kube, namespace, bots, Script()
        self.digests_started: set[str] = set()
        self.failure: BaseException | None = None
        self._stop_asked = threading.Event()
        self._known: dict[str, Json] = {}

    def stop(self) -> None:
        self._stop_asked.set()
        self.join()
        if self.failure is not None:
            raise self.failure

    def run(self) -> None:
        try:
            while not self._stop_asked.wait(TICK):
                self._tick()
        except BaseException as error:  # noqa: BLE001 - told to the test by stop()
            self.failure = error

    def _tick(self) -> None:
        pods = {pod["metadata"]["name"]: pod for pod in self._list("/api/v1", "pods")}
        wanted: set[str] = set()
        for workload in self._list("/apis/apps/v1", "statefulsets"):
            name = f"{workload['metadata']['name']}-0"
            wanted.add(name)
            self._play(pods.get(name), name, workload["spec"]["template"], self._bot_status)
        for job in self._list("/apis/batch/v1", "jobs"):
            name = f"{job['metadata']['name']}-x"
            wanted.add(name)
            template = job["spec"]["template"]
            template["metadata"].setdefault("labels", {})["job-name"] = job["metadata"]["name"]
            self._play(pods.get(name), name, template, self._job_status)
        for name in pods.keys() - wanted:
            self._remove(name)

    def _play(self, pod: Json | None, name: str, template: Json, status: Callable[[Json], Json]) -> None:
        revision = json.dumps(template, sort_keys=True)
        if pod is not None and self._known.get(pod["metadata"]["uid"]) not in {None, revision}:
            self._remove(name)
            pod = None
        if pod is None:
            pod = self._create(name, template)
            self._known[pod["metadata"]["uid"]] = revision
        self._known.setdefault(pod["metadata"]["uid"], revision)
        said = status(pod)
        if any(pod.get("status", {}).get(key) != value for key, value in said.items()):
            path = f"/api/v1/namespaces/{self.namespace}/pods/{name}/status"
            code, answer = self.kube.request("PATCH", path, {"status": said}, "application/merge-patch+json")
            assert code in {200, 404}, answer

    def _bot_status(self, pod: Json) -> Json:
        digest = pod["metadata"]["annotations"]["tradefleet.dev/digest"]
        labels = pod["metadata"]["labels"]
        self.digests_started.add(digest)
        old = pod.get("status", {})
        ip = old.get("podIP") or f"127.77.{(n := next(_ADDRESS)) // 250}.{n % 250 + 1}"
        base: Json = {"phase": "Running", "podIP": ip, "podIPs": [{"ip": ip}]}
        if digest in self.script.crashing:
            ended = {"exitCode": 1, "reason": "Error", "message": "the model has no quorum"}
            waiting = {"reason": "CrashLoopBackOff", "message": "back-off 40s"}
            return base | self._ready(old, ready=False) | self._containers("bot", {"waiting": waiting}, ended, 4)
        said = report(self.namespace, labels["tradefleet.dev/bot"], labels["tradefleet.dev/arm"],
                      self.script.reported.get(digest, digest))  # fmt: skip
        self.bots.reports[ip] = {**said, **{k: v for k, v in self.bots.reports.get(ip, {}).items() if k not in said}}
        ready = digest not in self.script.never_ready
        return base | self._ready(old, ready=ready) | self._containers("bot", {"running": {"startedAt": None}}, None, 0)

    def _job_status(self, pod: Json) -> Json:
        spec = pod["spec"]
        digest = spec["initContainers"][0]["args"][spec["initContainers"][0]["args"].index("--sha256") + 1]
        if digest in self.script.unreachable:
            ended = {"exitCode": 1, "reason": "Error", "message": "https://x/y: the server answered 503"}
            init = {"name": "fetch", "image": "i", "imageID": "", "ready": False, "restartCount": 1, "state":
                    {"waiting": {"reason": "CrashLoopBackOff"}}, "lastState": {"terminated": ended}}  # fmt: skip
            return {"phase": "Pending", "initContainerStatuses": [init]}
        if digest in self.script.measured:
            text = (
                f"tradefleet: x: bundle digest mismatch: expected {digest}, measured {self.script.measured[digest]}\n"
            )
            ended = {"exitCode": 1, "reason": "Error", "message": text}
            init = {"name": "fetch", "image": "i", "imageID": "", "ready": False, "restartCount": 0,
                    "state": {"terminated": ended}, "lastState": {}}  # fmt: skip
            return {"phase": "Pending", "initContainerStatuses": [init]}
        result = json.dumps({"digest": digest, "features": ["return_5s"], "decisionInterval": "1s"})
        ended = {"exitCode": 0, "reason": "Completed", "message": result}
        done = {"name": "verify", "image": "i", "imageID": "", "ready": False, "restartCount": 0,
                "state": {"terminated": ended}, "lastState": {}}  # fmt: skip
        return {"phase": "Succeeded", "initContainerStatuses": [], "containerStatuses": [done]}

    @staticmethod
    def _ready(old: Json, *, ready: bool) -> Json:
        wanted = "True" if ready else "False"
        known = [item for item in old.get("conditions", []) if item["type"] == "Ready" and item["status"] == wanted]
        fresh = {"type": "Ready", "status": wanted, "lastTransitionTime": now()}
        kept = {key: known[0][key] for key in fresh} if known else fresh
        return {"conditions": known or [kept]}

    @staticmethod
    def _containers(name: str, state: Json, last: Json | None, restarts: int) -> Json:
        status = {"name": name, "image": "i", "imageID": "", "ready": "running" in state, "restartCount": restarts,
                  "state": state, "lastState": {"terminated": last} if last else {}}  # fmt: skip
        return {"containerStatuses": [status]}

    def _create(self, name: str, template: Json) -> Json:
        spec = template["spec"]
        names = {"data"} | {volume["name"] for volume in spec.get("volumes", [])}
        metadata = {**template["metadata"], "name": name}
        body = {"metadata": metadata, "spec": {**spec, "volumes": [{"name": n, "emptyDir": {}} for n in sorted(names)]}}
        body["spec"]["nodeName"] = "played"
        code, answer = self.kube.request("POST", f"/api/v1/namespaces/{self.namespace}/pods", body)
        assert code == 201, answer
        return dict(answer)

    def _remove(self, name: str) -> None:
        path = f"/api/v1/namespaces/{self.namespace}/pods/{name}"
        code, answer = self.kube.request("DELETE", path, {"gracePeriodSeconds": 0})
        assert code in {200, 404}, answer

    def _list(self, root: str, plural: str) -> list[Json]:
        code, answer = self.kube.request("GET", f"{root}/namespaces/{self.namespace}/{plural}")
        assert code == 200, answer
        items: list[Json] = answer["items"]
        return [item for item in items if "deletionTimestamp" not in item["metadata"] or plural == "pods"]

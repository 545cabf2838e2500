"""What the operator costs: memory, processor time and requests with 1 and with 200 TradingBots on a real API server.

Pods and bots are played (tests/operator/playground.py); everything else is real, the operator a process of its own.
`python benchmarks/bench_operator.py [COUNT …]` prints one JSON object a line on stdout.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "tests" / "operator")]

from playground import Bots, Kubelet, eventually  # noqa: E402 - found by the line above
from support.apiserver import ApiServer, api_server, reserved_port  # noqa: E402

DIGEST = "a" * 64
IDLE = 30.0
TRADINGBOTS = "/apis/tradefleet.dev/v1alpha1/namespaces/{}/tradingbots"
MODELVERSIONS = "/apis/tradefleet.dev/v1alpha1/namespaces/{}/modelversions"
TICK = os.sysconf("SC_CLK_TCK")


def report(name: str, value: float, unit: str, **run: object) -> None:
    """Print one figure with what describes the run."""
    print(json.dumps({"name": name, "value": round(value, 3), "unit": unit, **run, "cpus": os.cpu_count()}), flush=True)


def rss(process: int) -> float:
    """Resident memory in MiB."""
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmRSS")).split()[1]) / 1024


def cpu(process: int) -> float:
    """Processor seconds used so far."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICK


def requests(port: int) -> float:
    """Requests to the API server so far, watches not counted."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
        lines = answer.read().decode().splitlines()
    return sum(float(line.split()[-1]) for line in lines if line.startswith("rest_client_requests_total"))


def create(server: ApiServer, path: str, kind: str, name: str, spec: object) -> None:
    """One custom resource."""
    body = {"apiVersion": "tradefleet.dev/v1alpha1", "kind": kind, "metadata": {"name": name}, "spec": spec}
    code, answer = server.request("POST", path, body)
    assert code == 201, answer


def healthy(server: ApiServer, namespace: str) -> int:
    """How many TradingBots are Healthy."""
    _, answer = server.request("GET", TRADINGBOTS.format(namespace))
    return sum(item.get("status", {}).get("phase") == "Healthy" for item in answer["items"])


def measure(server: ApiServer, bots: Bots, count: int, folder: Path) -> None:
    """Start an operator, give it this many bots, wait until all are healthy, then look at it idle."""
    namespace = server.namespace("bench")
    with reserved_port() as metrics, reserved_port() as health:
        ports = {"TRADEFLEET_METRICS_PORT": str(metrics), "TRADEFLEET_HEALTH_PORT": str(health)}
    environment = {
        **os.environ, **ports, "KUBECONFIG": str(server.kubeconfig), "TRADEFLEET_BOT_IMAGE": "bot:1",
        "TRADEFLEET_SIM_REST": "http://sim:9010", "TRADEFLEET_SIM_STREAM": "ws://sim:9010",
        "TRADEFLEET_NAMESPACE": namespace, "TRADEFLEET_BOT_PORT": str(bots.port),
    }  # fmt: skip
    kubelet = Kubelet(server, namespace, bots)
    kubelet.start()
    command = [sys.executable, "-c", "from tradefleet_console.cli import main; raise SystemExit(main())"]
    with (folder / f"operator-{count}.log").open("wb") as log:
        process = subprocess.Popen([*command, "operator", "run"], cwd=ROOT, env=environment, stdout=log, stderr=log)
        try:
            create(server, MODELVERSIONS.format(namespace), "ModelVersion", "v1",
                   {"artifact": {"uri": "https://models.example/b.tar", "sha256": DIGEST}})  # fmt: skip
            for number in range(count):
                spec = {"symbols": ["BTCUSDT"], "model": {"name": "v1"}}
                create(server, TRADINGBOTS.format(namespace), "TradingBot", f"bot-{number}", spec)
            eventually(lambda: healthy(server, namespace) == count, "all bots healthy", 300)
            report("operator_requests_per_bot", requests(metrics) / count, "requests", bots=count)
            used, asked = cpu(process.pid), requests(metrics)
            time.sleep(IDLE)
            report("operator_rss", rss(process.pid), "MiB", bots=count)
            report("operator_cpu_idle", (cpu(process.pid) - used) / IDLE, "cores", bots=count)
            report("operator_requests_idle", (requests(metrics) - asked) / IDLE, "requests/s", bots=count)
        finally:
            process.terminate()
            process.wait(20)
            kubelet.stop()


def main() -> None:
    """Measure each fleet size on one API server."""
    counts = [int(text) for text in sys.argv[1:]] or [1, 200]
    bots = Bots()
    with tempfile.TemporaryDirectory() as folder, api_server(Path(folder)) as server:
        server.apply_crds()
        for count in counts:
            measure(server, bots, count, Path(folder))
            for plural in ("tradingbots", "modelversions"):  # an operator for all namespaces would serve these, too
                path = f"/apis/tradefleet.dev/v1alpha1/{plural}"
                for item in server.request("GET", path)[1]["items"]:
                    at = f"/apis/tradefleet.dev/v1alpha1/namespaces/{item['metadata']['namespace']}/{plural}"
                    where = f"{at}/{item['metadata']['name']}"
                    server.request("PATCH", where, {"metadata": {"finalizers": []}}, "application/merge-patch+json")
                    server.request("DELETE", where)
    bots.close()


if __name__ == "__main__":
    main()

"""apply_to_first_decision: seconds from `kubectl apply` of a new TradingBot to its first decision by the model.

Needs the chart in the real cluster (`make bench-road` sees to it). Each run makes a bot of its own and deletes it.
"""

import json
import platform
import subprocess
import sys
import time
from pathlib import Path

EXAMPLE = Path(__file__).resolve().parents[1] / "examples" / "paper-btc.yaml"
NAMESPACE, RUNS, LIMIT = "trading", 3, 120.0
PROXY = f"/api/v1/namespaces/{NAMESPACE}/pods/{{pod}}:8080/proxy/status"


def kubectl(*args: str, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
    """kubectl in the demo's namespace; the caller looks at the exit code."""
    command = ["kubectl", "-n", NAMESPACE, *args]
    return subprocess.run(command, input=stdin, capture_output=True, text=True, check=False, timeout=120)


def decided(bot: str) -> dict[str, object] | None:
    """The bot's last decision, once it has one that its model made (not one held for a missing input)."""
    answer = kubectl("get", "--raw", PROXY.format(pod=f"{bot}-stable-0"))
    if answer.returncode:
        return None
    decision = json.loads(answer.stdout).get("lastDecision")
    return decision if decision and decision.get("score") is not None else None


def measure(bot: str) -> float | None:
    """Seconds, or None where the limit passed."""
    manifest = EXAMPLE.read_text().replace("name: paper-btc", f"name: {bot}")
    begun = time.monotonic()
    done = kubectl("apply", "-f", "-", stdin=manifest)
    if done.returncode:
        sys.exit(f"cannot apply the example: {done.stderr.strip()}; run make bench-road, which installs what it needs")
    try:
        while time.monotonic() - begun < LIMIT:
            if decided(bot):
                return time.monotonic() - begun
            time.sleep(0.2)
        return None
    finally:
        kubectl("delete", "tradingbot", bot, "--timeout=90s")
        kubectl("delete", "pvc", f"data-{bot}-stable-0", "--wait=false")


def main() -> None:
    """One line a run, with all that is needed to read it."""
    for run in range(RUNS):
        value = measure(f"bench-{run}")
        line = {"name": "apply_to_first_decision", "unit": "s", "run": run, "machine": platform.machine()}
        print(json.dumps(line | {"value": None if value is None else round(value, 2)}), flush=True)


if __name__ == "__main__":
    main()

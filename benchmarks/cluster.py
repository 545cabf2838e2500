"""How long the ground takes: a new cluster once its node image exists, and the project's two images.

Run it through `make bench-cluster` only: it deletes the cluster and makes it anew. One JSON object a line on stdout.
"""

import json
import os
import shutil
import subprocess
import tempfile
import time
import uuid
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def timed(*command: str) -> float:
    """Seconds that a command takes; its progress goes to stderr."""
    start = time.perf_counter()
    subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start


def report(name: str, seconds: float, **run: object) -> None:
    """Print one figure with what describes the run."""
    figure = {"name": name, "value": round(seconds, 1), "unit": "s", **run, "cpus": os.cpu_count()}
    print(json.dumps(figure), flush=True)


def copy_checkout(to: Path) -> None:
    """Copy what git knows of this checkout, with the changes in the working tree."""
    listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listed, cwd=ROOT, check=True, capture_output=True, text=True).stdout.split("\0")
    for name in filter(None, names):
        if (ROOT / name).is_file():
            (to / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, to / name)


def touch(*files: Path) -> None:
    """Change files in a way that changes nothing else."""
    for file in files:
        file.write_text(f"{file.read_text()}\n# {uuid.uuid4()}\n")


def main() -> None:
    """Measure and print."""
    timed("hack/cluster/up")  # whatever it still has to build is not the figure
    timed("hack/images.sh")
    timed("hack/cluster/down")
    report("cluster_create", timed("hack/cluster/up"), images="cached")
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder)
        copy_checkout(copy)
        build = str(copy / "hack/images.sh")
        touch(copy / "requirements/operator.txt", copy / "requirements/bot.txt")
        report("images_build", timed(build), images=2, changed="dependencies")
        touch(copy / "crds/tradefleet_api/__init__.py")
        report("images_build.code", timed(build), images=2, changed="code")
    timed("hack/images.sh")  # the references that the cache keeps are this checkout's again


if __name__ == "__main__":
    main()

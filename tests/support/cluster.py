"""The slow tier: the real kind cluster, brought up by hack/cluster, and the project's images in its registry."""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from support.kube import GROUND, ROOT, Kube, ground

UP_TIMEOUT = 1800.0  # s; only where nothing is cached yet


@dataclass(frozen=True)
class Cluster(Kube):
    """The kind cluster, and this checkout's images by digest, ready to be pulled in it."""

    operator_image: str = ""
    bot_image: str = ""


@contextlib.contextmanager
def alone(lock: Path, config: pytest.Config) -> Iterator[None]:
    """Keep other runs on this machine away from the cluster meanwhile: they would use the same names in it."""
    with lock.open("w") as turn:
        try:
            fcntl.flock(turn, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            config.get_terminal_writer().line("another run is testing on the cluster: waiting for it")
            fcntl.flock(turn, fcntl.LOCK_EX)
        yield


@pytest.fixture(scope="session")
def cluster(pytestconfig: pytest.Config) -> Iterator[Cluster]:
    """The real cluster with the images in its registry, one a run and left running. Never skipped in CI."""
    if os.environ.get("TRADEFLEET_NO_CLUSTER") == "1" and not os.environ.get("CI"):
        pytest.skip("TRADEFLEET_NO_CLUSTER=1: no test on the kind cluster")
    tools = Path(ground(str(GROUND / "binaries"), "kubectl", "helm", timeout=UP_TIMEOUT).strip())
    with alone(tools.parent / "tests.lock", pytestconfig):
        ground(str(GROUND / "up"), timeout=UP_TIMEOUT)
        lines = ground(str(ROOT / "hack" / "images.sh"), timeout=UP_TIMEOUT).splitlines()
        images = dict(line.split("=", 1) for line in lines)
        yield Cluster.of(
            tools.parent / "kubeconfig",
            tools,
            operator_image=images["TRADEFLEET_OPERATOR_IMAGE"],
            bot_image=images["TRADEFLEET_BOT_IMAGE"],
        )


@pytest.fixture
def cluster_namespace(cluster: Cluster) -> Iterator[str]:
    """A namespace of the cluster that ends with the test, without waiting for its end."""
    name = cluster.namespace()
    yield name
    cluster.kubectl("delete", "namespace", name, "--wait=false")

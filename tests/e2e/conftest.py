"""One installation of the chart a run, in namespaces of its own, beside whatever else runs in the cluster."""

import json
from collections.abc import Iterator

import pytest
from e2e.kube import Namespace
from e2e.manifests import FLEET, ROOT, ZOO, digest, model
from support.cluster import Cluster

SYSTEM, BOTS, RELEASE = "tf-e2e-system", "tf-e2e", "e2e"


@pytest.fixture(scope="session")
def system(cluster: Cluster) -> Iterator[Namespace]:
    """The operator's namespace, with the chart installed from this checkout's images."""
    space, bots = Namespace(cluster, SYSTEM), Namespace(cluster, BOTS)
    remove(space, bots)
    cluster.apply_crds()
    for name in (SYSTEM, BOTS):
        cluster.kubectl("create", "namespace", name)
    values = {
        "operator": {"image": cluster.operator_image},
        "bot": {"image": cluster.bot_image},
        "watchNamespaces": [BOTS],
        "sim": {"enabled": True},
    }
    chart = str(ROOT / "helm" / "tradefleet")
    space.helm(
        "upgrade", "--install", RELEASE, chart, "--wait", "--timeout", "120s", "-f", "-", stdin=json.dumps(values)
    )
    yield space
    remove(space, bots)


def remove(system: Namespace, bots: Namespace) -> None:
    """Take an installation down in the order a person would: bots flatten, then the chart, then the namespaces."""
    if bots.cluster.kubectl("get", "namespace", bots.name, "--ignore-not-found"):
        if bots.cluster.kubectl("get", "crd", "tradingbots.tradefleet.dev", "--ignore-not-found"):
            bots.kubectl("delete", "tradingbots", "--all", "--timeout=90s", timeout=100)
            bots.kubectl("delete", "modelversions", "--all", "--timeout=60s", timeout=70)
        system.helm("uninstall", RELEASE, "--ignore-not-found", "--wait")
    for name in (BOTS, SYSTEM):
        bots.cluster.kubectl("delete", "namespace", name, "--ignore-not-found", "--timeout=120s", timeout=130)


@pytest.fixture(scope="session")
def fleet(cluster: Cluster, system: Namespace) -> Namespace:
    """The bots' namespace, with the example models demo-v1 and demo-v2 in it, and the fleet on its way up."""
    space = Namespace(cluster, BOTS)
    for name in ("demo-v1", "demo-v2"):
        bundle = ZOO / f"{name}.tar"
        space.configmap(f"model-{name}", bundle)
        space.apply(model(name, f"model-{name}", digest(bundle)))
    space.apply(*FLEET.values())
    return space

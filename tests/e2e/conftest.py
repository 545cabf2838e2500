"""One installation of the chart a run, in namespaces of its own, beside whatever else runs in the cluster."""

import json
from collections.abc import Iterator

import pytest
from e2e.kube import Kube
from e2e.manifests import ROOT, ZOO, digest, model
from support.cluster import Cluster

SYSTEM, BOTS, RELEASE = "tf-e2e-system", "tf-e2e", "e2e"


@pytest.fixture(scope="session")
def system(cluster: Cluster) -> Iterator[Kube]:
    """The operator's namespace, with the chart installed from this checkout's images."""
    kube = Kube(cluster.kubeconfig, SYSTEM, cluster.tools)
    for namespace in (SYSTEM, BOTS):
        kube.run("kubectl", "delete", "namespace", namespace, "--ignore-not-found", "--timeout=120s")
        kube.run("kubectl", "create", "namespace", namespace)
    kube.run("kubectl", "apply", "--server-side", "--force-conflicts", "-f", str(ROOT / "crds"))
    values = {
        "operator": {"image": cluster.operator_image},
        "bot": {"image": cluster.bot_image},
        "watchNamespaces": [BOTS],
        "sim": {"enabled": True},
    }
    kube.run(
        "helm", "upgrade", "--install", RELEASE, str(ROOT / "helm" / "tradefleet"), "-n", SYSTEM,
        "--wait", "--timeout", "120s", "-f", "-", stdin=json.dumps(values),
    )  # fmt: skip
    yield kube
    bots = Kube(cluster.kubeconfig, BOTS, cluster.tools)
    bots.kubectl("delete", "tradingbots", "--all", "--timeout=90s")
    bots.kubectl("delete", "modelversions", "--all", "--timeout=60s")
    kube.run("helm", "uninstall", RELEASE, "-n", SYSTEM, "--wait")
    kube.run("kubectl", "delete", "namespace", SYSTEM, BOTS, "--timeout=120s")


@pytest.fixture(scope="session")
def fleet(cluster: Cluster, system: Kube) -> Kube:
    """The bots' namespace, with the example models demo-v1 and demo-v2 in it."""
    kube = Kube(cluster.kubeconfig, BOTS, cluster.tools)
    for name in ("demo-v1", "demo-v2"):
        bundle = ZOO / f"{name}.tar"
        kube.configmap(f"model-{name}", bundle)
        kube.apply(model(name, f"model-{name}", digest(bundle)))
    return kube

"""The headless Service of an arm: a stable name for its pod, for Prometheus and for people."""

from tradefleet_operator.actions import Json
from tradefleet_operator.manifests.common import ArmIdentity


def service(arm: ArmIdentity, port: int) -> Json:
    """Headless: it names the pod also while it is not ready, and balances nothing."""
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": arm.metadata(),
        "spec": {
            "clusterIP": "None",
            "publishNotReadyAddresses": True,
            "selector": arm.selector,
            "ports": [{"name": "http", "port": port, "protocol": "TCP", "targetPort": "http"}],
        },
    }

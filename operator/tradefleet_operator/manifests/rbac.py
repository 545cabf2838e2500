"""What a bot may do in the cluster: read its own TradingBot, nothing else."""

from tradefleet_api.names import GROUP
from tradefleet_operator.actions import Json
from tradefleet_operator.manifests.common import ArmIdentity


def service_account(arm: ArmIdentity) -> Json:
    """The arm's identity; its token is mounted only where the pod asks for it."""
    return {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": arm.metadata(),
        "automountServiceAccountToken": False,
    }


def role(arm: ArmIdentity) -> Json:
    """Read one object by name; a list or watch must select it by `metadata.name`."""
    return {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "Role",
        "metadata": arm.metadata(),
        "rules": [
            {
                "apiGroups": [GROUP],
                "resources": ["tradingbots"],
                "resourceNames": [arm.bot],
                "verbs": ["get", "list", "watch"],
            }
        ],
    }


def role_binding(arm: ArmIdentity) -> Json:
    """Gives the role to the arm's ServiceAccount."""
    return {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "RoleBinding",
        "metadata": arm.metadata(),
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": arm.name},
        "subjects": [{"kind": "ServiceAccount", "name": arm.name, "namespace": arm.namespace}],
    }

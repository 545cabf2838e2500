"""Where each kind lives in the API, and which objects of it the operator watches."""

from dataclasses import dataclass
from typing import Final

from tradefleet_api.names import GROUP, VERSION
from tradefleet_operator.actions import Kind
from tradefleet_operator.names import MANAGED_SELECTOR


@dataclass(frozen=True)
class Resource:
    """One resource of the API; `selector` limits what is listed and watched."""

    group: str
    version: str
    plural: str
    selector: str = MANAGED_SELECTOR

    def path(self, namespace: str | None, name: str | None = None, subresource: str | None = None) -> str:
        """URL path; without a namespace, of all namespaces."""
        root = f"/apis/{self.group}/{self.version}" if self.group else f"/api/{self.version}"
        parts = [root, *(("namespaces", namespace) if namespace else ()), self.plural]
        return "/".join([*parts, *(part for part in (name, subresource) if part)])


RESOURCES: Final[dict[Kind, Resource]] = {
    "TradingBot": Resource(GROUP, VERSION, "tradingbots", ""),
    "ModelVersion": Resource(GROUP, VERSION, "modelversions", ""),
    "StatefulSet": Resource("apps", "v1", "statefulsets"),
    "Pod": Resource("", "v1", "pods"),
    "Job": Resource("batch", "v1", "jobs"),
    "ConfigMap": Resource("", "v1", "configmaps"),
    "Service": Resource("", "v1", "services"),
    "ServiceAccount": Resource("", "v1", "serviceaccounts"),
    "Role": Resource("rbac.authorization.k8s.io", "v1", "roles"),
    "RoleBinding": Resource("rbac.authorization.k8s.io", "v1", "rolebindings"),
}
EVENTS: Final = Resource("", "v1", "events", "")
LEASES: Final = Resource("coordination.k8s.io", "v1", "leases", "")

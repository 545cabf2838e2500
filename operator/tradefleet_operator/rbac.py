"""What the operator may do in the cluster; the chart grants exactly this, and a test compares the two.

It grants bots a role over their own TradingBot, which it may do because it holds the same rights itself. It has no
right on Secrets.
"""

from typing import Final

from tradefleet_api.names import GROUP

Rule = tuple[str, str, tuple[str, ...]]
"""API group, resource, verbs."""

_CHILD: Final = ("create", "delete", "get", "list", "patch", "watch")

WATCHED: Final[tuple[Rule, ...]] = (
    (GROUP, "tradingbots", ("get", "list", "patch", "watch")),
    (GROUP, "tradingbots/status", ("patch",)),
    (GROUP, "tradingbots/finalizers", ("update",)),
    (GROUP, "modelversions", ("get", "list", "patch", "watch")),
    (GROUP, "modelversions/status", ("patch",)),
    (GROUP, "modelversions/finalizers", ("update",)),
    ("apps", "statefulsets", _CHILD),
    ("batch", "jobs", _CHILD),
    ("", "configmaps", _CHILD),
    ("", "services", _CHILD),
    ("", "serviceaccounts", _CHILD),
    ("rbac.authorization.k8s.io", "roles", _CHILD),
    ("rbac.authorization.k8s.io", "rolebindings", _CHILD),
    ("", "pods", ("get", "list", "watch")),
    ("", "events", ("create",)),
)
"""In every watched namespace (a ClusterRole where all are watched)."""

OWN: Final[tuple[Rule, ...]] = (("coordination.k8s.io", "leases", ("create", "get", "patch")),)
"""In the operator's own namespace."""

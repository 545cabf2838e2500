"""The kopf shell: watches feed the store, and every event becomes a key in the queue; nothing else happens here.

Only `on.event` handlers: kopf keeps no state for them, so it writes no annotation, sets no finalizer and patches
nothing. Elsewhere kopf would be asked for more; here level-based reconciliation does it.
"""

import logging
from collections.abc import Callable, Mapping
from typing import Any

import kopf

from tradefleet_operator.actions import Json, Kind
from tradefleet_operator.kube.connection import Connection
from tradefleet_operator.kube.resources import RESOURCES

Seen = Callable[[Json, bool], None]
"""Called with each object that was seen, and whether it is gone."""


def registry(connection: Connection, seen: Seen) -> kopf.OperatorRegistry:
    """Handlers for every kind that the operator watches, in a registry of their own."""
    found = kopf.OperatorRegistry()

    @kopf.on.login(registry=found)
    def login(**_: Any) -> kopf.ConnectionInfo:
        """The operator's own connection; kopf asks again when the API says 401, as after a token's rotation."""
        return kopf.ConnectionInfo(
            server=connection.server,
            ca_path=connection.ca_path,
            insecure=not connection.verify,
            token=connection.token(),
            certificate_path=connection.certificate_path,
            private_key_path=connection.key_path,
        )

    for kind, resource in RESOURCES.items():
        _watch(found, kind, (resource.group, resource.version, resource.plural), seen)
    return found


def _watch(found: kopf.OperatorRegistry, kind: Kind, resource: tuple[str, str, str], seen: Seen) -> None:
    @kopf.on.event(*resource, id=kind, registry=found)
    async def event(event: Mapping[str, Any], **_: Any) -> None:
        live = {**event["object"], "kind": kind, "metadata": {**event["object"]["metadata"]}}
        seen(live, event["type"] == "DELETED")


def settings() -> kopf.OperatorSettings:
    """kopf's settings, each for a pitfall of `reference/rollouts.md`."""
    chosen = kopf.OperatorSettings()
    chosen.peering.standalone = True  # its peering is no election; the operator has its own
    chosen.posting.enabled = False  # Events are the planner's
    chosen.scanning.disabled = True  # no watch of CRDs and namespaces, so no rights for it
    chosen.watching.server_timeout = 300
    chosen.watching.connect_timeout = 10
    chosen.watching.client_timeout = 330
    chosen.watching.chunk_size = 250
    chosen.networking.request_timeout = 15
    chosen.networking.connect_timeout = 5
    chosen.queueing.worker_limit = None
    chosen.queueing.idle_timeout = 1.0
    chosen.queueing.exit_timeout = 1.0
    chosen.execution.default_backoff = 5
    chosen.process.ultimate_exiting_timeout = 20
    for resource in RESOURCES.values():
        if resource.selector:
            chosen.watching.label_selectors[resource.group, resource.version, resource.plural] = resource.selector
    logging.getLogger("kopf").setLevel(logging.WARNING)
    return chosen

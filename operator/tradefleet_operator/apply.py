"""Carry out a plan: one action after the other, stopping at the first that fails; the next plan goes on from there."""

import hashlib
import time
from collections.abc import Callable, Iterable
from typing import get_args

import structlog

from tradefleet_api.names import API_VERSION, FIELD_MANAGER
from tradefleet_operator.actions import Apply, Delete, Emit, Json, Kind, PatchMetadata, PatchStatus, Plan, Ref
from tradefleet_operator.covers import merge_patch
from tradefleet_operator.keys import Key, part
from tradefleet_operator.kube.client import Client
from tradefleet_operator.kube.errors import ConflictError, KubeError
from tradefleet_operator.kube.resources import EVENTS
from tradefleet_operator.metrics import ROLLOUTS
from tradefleet_operator.observe import Foreign
from tradefleet_operator.observed import Meta, owned
from tradefleet_operator.plan.rollout import Outcome
from tradefleet_operator.store import Store
from tradefleet_operator.times import stamp

log = structlog.get_logger(__name__)

News = Callable[[Kind, Iterable[Key]], None]
"""Called with the kind that was written, and the keys that the write concerns."""


class Executor:
    """Writes to the cluster; every answer goes into the store, so that the next observation has seen it."""

    def __init__(self, client: Client, store: Store, foreign: Foreign, *, news: News, me: str) -> None:
        self._client, self._store, self._foreign = client, store, foreign
        self._news, self._me = news, me

    async def apply(self, key: Key, meta: Meta, plan: Plan) -> None:
        """All actions of a plan that was made from the object as `meta` has it.

        Raises RetryError or StopError at the first action that fails.
        """
        version = meta.resource_version
        for action in plan.actions:
            match action:
                case Apply():
                    await self._apply(key, action, meta.uid)
                case Delete():
                    await self._delete(action)
                case PatchMetadata():
                    body: Json = {"resourceVersion": version, "finalizers": list(action.finalizers)}
                    if action.drop_annotations:
                        body["annotations"] = dict.fromkeys(action.drop_annotations)
                    version = await self._patch(action.ref, {"metadata": body}, None)
                case PatchStatus():
                    patch: Json = {
                        "metadata": {"resourceVersion": version},
                        "status": merge_patch(action.before, action.after),
                    }
                    version = await self._patch(action.ref, patch, "status")
                case Emit():
                    await self._emit(action, meta, version)
            log.debug("applied", key=str(key), action=type(action).__name__)

    async def _apply(self, key: Key, action: Apply, uid: str) -> None:
        """Made only where nobody else's object has the name: applying would take it over."""
        if self._store.get(action.ref) is None and (live := await self._client.get(action.ref)) is not None:
            live = {**live, "kind": action.ref.kind}
            if not owned(live, uid):
                self._foreign.add(key, action.ref, live)
                raise ConflictError(f"{action.ref.kind} {action.ref.name} belongs to somebody else")
        self._remember(action.ref, await self._client.apply(action.ref, action.manifest))

    async def _delete(self, action: Delete) -> None:
        answer = await self._client.delete(action.ref, action.uid)
        if answer is not None and part(answer, "metadata").get("deletionTimestamp"):
            self._remember(action.ref, answer)
        else:
            gone: Json = {"namespace": action.ref.namespace, "name": action.ref.name, "uid": action.uid}
            self._news(action.ref.kind, self._store.drop({"kind": action.ref.kind, "metadata": gone}))

    async def _patch(self, ref: Ref, patch: Json, subresource: str | None) -> str:
        """Patch a custom resource; after a conflict the store has the object as it is now."""
        try:
            answer = await self._client.merge(ref, patch, subresource)
        except ConflictError:
            if (live := await self._client.get(ref)) is not None:
                self._remember(ref, live)
            raise
        self._remember(ref, answer)
        return str(part(answer, "metadata").get("resourceVersion", ""))

    def _remember(self, ref: Ref, live: Json) -> None:
        """The watch tells the same later, when it is no news any more: whoever is concerned looks again now."""
        self._news(ref.kind, self._store.put({**live, "kind": ref.kind}))

    async def _emit(self, event: Emit, meta: Meta, version: str) -> None:
        """Best effort, as Events are; the name makes a repetition of the same transition the same Event."""
        what = f"{meta.uid}/{event.reason}/{event.message}/{version}"
        name = f"{meta.name}.{hashlib.sha256(what.encode()).hexdigest()[:16]}"
        now = stamp(time.time())
        log.info(event.message, kind=event.ref.kind, object=f"{meta.namespace}/{meta.name}", reason=event.reason)
        body: Json = {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"name": name, "namespace": meta.namespace},
            "involvedObject": {
                "apiVersion": API_VERSION, "kind": event.ref.kind, "namespace": meta.namespace, "name": meta.name,
                "uid": meta.uid, "resourceVersion": version,
            },
            "type": event.type,
            "reason": event.reason,
            "message": event.message[:1024],
            "firstTimestamp": now,
            "lastTimestamp": now,
            "count": 1,
            "source": {"component": FIELD_MANAGER},
            "reportingComponent": FIELD_MANAGER,
            "reportingInstance": self._me,
        }  # fmt: skip
        if event.ref.kind == "TradingBot" and event.reason in get_args(Outcome):
            ROLLOUTS.labels(meta.namespace, meta.name, event.reason).inc()
        try:
            await self._client.request("POST", EVENTS.path(meta.namespace), body)
        except ConflictError:
            return
        except KubeError as error:
            log.warning("event not recorded", error=str(error))

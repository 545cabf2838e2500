"""Everything that a decision may depend on, read in one place: the store, the bots themselves, foreign objects."""

import time
from collections.abc import Callable, Iterator
from typing import Final

from tradefleet_api.artifact import ConfigMapArtifact, parse
from tradefleet_api.modelversion import ModelVersionSpec, ModelVersionStatus
from tradefleet_api.names import ARMS, Arm
from tradefleet_api.tradingbot import TradingBotSpec, TradingBotStatus
from tradefleet_operator.actions import Json, Kind, Ref
from tradefleet_operator.keys import Key, models_of, part
from tradefleet_operator.kube.client import Client
from tradefleet_operator.manifests.configmap import LAST_GOOD_KEY, last_good_name
from tradefleet_operator.manifests.job import job_name
from tradefleet_operator.observed import BotObserved, Defaults, ModelObserved, ModelView, PodView, Report
from tradefleet_operator.plan.bot import AWAITED, awaits
from tradefleet_operator.poll import Poller
from tradefleet_operator.store import Store
from tradefleet_operator.views import check_view, meta, model_view, pod_view, read, status_of

_FOREIGN_LOOK: Final = 10.0
"""Seconds between two looks at an object of somebody else that holds a needed name."""


class Foreign:
    """Objects that hold a name which a bot needs and that are not its own; they are not watched, so looked at."""

    def __init__(self, client: Client, clock: Callable[[], float]) -> None:
        self._client, self._clock = client, clock
        self._found: dict[Key, dict[Ref, tuple[float, Json]]] = {}

    def add(self, key: Key, ref: Ref, live: Json) -> None:
        """Remember it for the next observation."""
        self._found.setdefault(key, {})[ref] = (self._clock(), live)

    async def of(self, key: Key) -> dict[tuple[Kind, str], Json]:
        """Those that are still there."""
        found = self._found.get(key, {})
        for ref, (at, _) in list(found.items()):
            if self._clock() - at < _FOREIGN_LOOK:
                continue
            live = await self._client.get(ref)
            if live is None:
                del found[ref]
            else:
                found[ref] = (self._clock(), live)
        if not found:
            self._found.pop(key, None)
        return {(ref.kind, ref.name): live for ref, (_, live) in found.items()}


class Observer:
    """Makes `Observed` values; None for an object that is not there."""

    def __init__(self, store: Store, client: Client, poller: Poller, foreign: Foreign, defaults: Defaults) -> None:
        self._since = time.time()
        self._store, self._client, self._poller = store, client, poller
        self._foreign, self._defaults = foreign, defaults

    async def bot(self, key: Key) -> BotObserved | None:
        """One TradingBot with all it depends on."""
        item = self._store.get(key.ref)
        if item is None:
            return None
        children = self._store.children(key)
        spec, error = read(TradingBotSpec, part(item, "spec"))
        last_good = self._last_good(key)
        pods = dict(self._pods(key))
        found = BotObserved(
            meta=meta(item),
            spec=spec,
            spec_error=error,
            status=status_of(TradingBotStatus, item),
            raw_status=part(item, "status"),
            last_good=last_good,
            models=dict(self._models(key, item, last_good)),
            children={
                **await self._foreign.of(key),
                **{child: live for child, live in children.items() if child[0] != "Pod"},
            },
            pods=pods,
            reports={},
            defaults=self._defaults,
            watching_since=self._since,
        )
        interval = AWAITED if awaits(found) else self._defaults.status_interval
        reports: dict[Arm, Report] = {}
        for arm, pod in pods.items():
            if (report := await self._poller.report(key, pod, interval)) is not None:
                reports[arm] = report
        return BotObserved(**{**vars(found), "reports": reports})

    async def model(self, key: Key) -> ModelObserved | None:
        """One ModelVersion with all it depends on."""
        item = self._store.get(key.ref)
        if item is None:
            return None
        spec, error = read(ModelVersionSpec, part(item, "spec"))
        about = meta(item)
        children = self._store.children(key)
        status = status_of(ModelVersionStatus, item)
        pod = None
        if spec is not None:
            wanted = job_name(about.name, about.uid, spec, self._defaults.image)
            pods = [live for (kind, _), live in children.items() if kind == "Pod"]
            mine = [live for live in pods if part(live, "metadata", "labels").get("job-name") == wanted]
            pod = max(mine, key=lambda live: str(part(live, "metadata").get("creationTimestamp")), default=None)
        return ModelObserved(
            meta=about,
            spec=spec,
            spec_error=error,
            status=status,
            raw_status=part(item, "status"),
            jobs={name: live for (kind, name), live in children.items() if kind == "Job"},
            check=check_view(pod) if pod is not None else None,
            artifact_error=await self._artifact_error(key, spec, status),
            users=self._store.users(key.namespace, key.name),
            defaults=self._defaults,
        )

    def _last_good(self, key: Key) -> TradingBotSpec | None:
        kept = self._store.children(key).get(("ConfigMap", last_good_name(key.name)))
        text = part(kept, "data").get(LAST_GOOD_KEY)
        try:
            return TradingBotSpec.model_validate_json(str(text), extra="ignore") if text else None
        except ValueError:
            return None

    def _models(self, key: Key, item: Json, last_good: TradingBotSpec | None) -> Iterator[tuple[str, ModelView]]:
        names = set(models_of(item)) | ({last_good.model.name} if last_good is not None else set())
        for name in names:
            live = self._store.get(Ref("ModelVersion", key.namespace, name))
            if live is not None and (view := model_view(live)) is not None:
                yield name, view

    def _pods(self, key: Key) -> Iterator[tuple[Arm, PodView]]:
        for (kind, name), live in self._store.children(key).items():
            if kind != "Pod":
                continue
            for arm in ARMS:
                if name == f"{key.name}-{arm}-0":
                    yield arm, pod_view(live)

    async def _artifact_error(self, key: Key, spec: ModelVersionSpec | None, status: ModelVersionStatus) -> str | None:
        """Only looked at while the verdict is open; the content is the init container's business."""
        if spec is None or status.phase in {"Verified", "Rejected"}:
            return None
        artifact = parse(spec.artifact.uri)
        if not isinstance(artifact, ConfigMapArtifact):
            return None
        live = await self._client.get(Ref("ConfigMap", key.namespace, artifact.name), metadata_only=True)
        if live is None:
            return f"there is no ConfigMap {artifact.name} in namespace {key.namespace}"
        return None

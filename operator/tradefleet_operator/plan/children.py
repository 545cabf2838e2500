"""What a bot's children should be against what they are: applied where they differ, deleted where nothing uses them."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from tradefleet_api.names import LABEL_ARM, Arm
from tradefleet_api.tradingbot import ModelState, TradingBotSpec
from tradefleet_operator.actions import Action, Apply, Delete, Json, Kind, Ref
from tradefleet_operator.covers import covers
from tradefleet_operator.manifests.common import ArmIdentity, Workload
from tradefleet_operator.manifests.configmap import config_map, last_good_map, last_good_name
from tradefleet_operator.manifests.rbac import role, role_binding, service_account
from tradefleet_operator.manifests.service import service
from tradefleet_operator.manifests.statefulset import stateful_set
from tradefleet_operator.observed import BotObserved, owned, ref_of, uid_of
from tradefleet_operator.plan.rollout import RolloutState

ARM_KINDS: Final[tuple[Kind, ...]] = ("StatefulSet", "Service", "RoleBinding", "Role", "ServiceAccount")


@dataclass(frozen=True)
class Children:
    """Actions that bring the children to what they should be, and names that somebody else holds."""

    actions: tuple[Action, ...] = ()
    refused: tuple[str, ...] = ()
    """One sentence for each object of a needed name that is not this bot's; it is never taken over."""


@dataclass(frozen=True)
class Wanted:
    """Manifests by kind and name, and the arms whose children must be left as they are."""

    manifests: Mapping[tuple[Kind, str], Json] = field(default_factory=dict)
    untouched: frozenset[Arm] = frozenset()


def wanted(observed: BotObserved, state: RolloutState, spec: TradingBotSpec) -> Wanted:
    """All children that should be there."""
    found: dict[tuple[Kind, str], Json] = {}
    untouched: set[Arm] = set()
    meta = observed.meta
    found["ConfigMap", last_good_name(meta.name)] = last_good_map(meta.namespace, meta.name, meta.uid, spec)
    arms: dict[Arm, ModelState | None] = {"stable": state.trading, "shadow": state.shadowing}
    for arm, model in arms.items():
        if model is None:
            continue
        view = observed.models.get(model.name)
        if view is None or view.sha256 != model.digest:  # its ModelVersion is gone: what runs goes on running
            untouched.add(arm)
            continue
        identity = ArmIdentity(meta.namespace, meta.name, meta.uid, arm)
        found |= _arm(Workload(identity, spec, model, view.uri, observed.defaults))
    return Wanted(found, frozenset(untouched))


def _arm(workload: Workload) -> dict[tuple[Kind, str], Json]:
    arm = workload.arm
    config = config_map(workload)
    config_name = ref_of(config, "ConfigMap").name
    return {
        ("ServiceAccount", arm.name): service_account(arm),
        ("Role", arm.name): role(arm),
        ("RoleBinding", arm.name): role_binding(arm),
        ("ConfigMap", config_name): config,
        ("Service", arm.name): service(arm, workload.defaults.bot_port),
        ("StatefulSet", arm.name): stateful_set(workload, config_name),
    }


def reconcile(observed: BotObserved, want: Wanted) -> Children:
    """Deletions of what nothing uses, then applications in the order in which a pod needs them."""
    refused = tuple(_refusals(observed, want.manifests))
    if refused:
        return Children((), refused)
    return Children((*_deletions(observed, want), *_applications(observed, want.manifests)))


def _refusals(observed: BotObserved, manifests: Iterable[tuple[Kind, str]]) -> Iterator[str]:
    for kind, name in manifests:
        live = observed.children.get((kind, name))
        if live is not None and not owned(live, observed.meta.uid):
            yield f"{kind} {name} exists and is not this bot's: rename the bot, or delete the {kind}"


def _applications(observed: BotObserved, manifests: Mapping[tuple[Kind, str], Json]) -> Iterator[Action]:
    for (kind, name), manifest in manifests.items():
        live = observed.children.get((kind, name))
        if live is not None and _leaving(live):
            continue  # its deletion is noticed, and it is made anew
        if live is None or not covers(live, manifest):
            yield Apply(Ref(kind, observed.meta.namespace, name), manifest)


def _deletions(observed: BotObserved, want: Wanted) -> Iterator[Action]:
    in_use = set(_configs_in_use(observed))
    for (kind, name), live in sorted(observed.children.items(), key=lambda child: _order(child[0][0])):
        arm = _arm_of(live)
        if (kind, name) in want.manifests or not owned(live, observed.meta.uid) or _leaving(live):
            continue
        if arm in want.untouched or arm is None or (kind == "ConfigMap" and name in in_use):
            continue
        yield Delete(Ref(kind, observed.meta.namespace, name), uid_of(live))


def _order(kind: Kind) -> int:
    return ARM_KINDS.index(kind) if kind in ARM_KINDS else len(ARM_KINDS)


def _configs_in_use(observed: BotObserved) -> Iterator[str]:
    """ConfigMaps that a live StatefulSet mounts: the old one goes only after the new one is in place."""
    for (kind, _), live in observed.children.items():
        if kind != "StatefulSet":
            continue
        for volume in _at(live, "spec", "template", "spec", "volumes") or ():
            config = volume.get("configMap") if isinstance(volume, dict) else None
            if isinstance(config, dict):
                yield str(config.get("name"))


def _at(live: object, *path: str) -> list[object] | None:
    for key in path:
        live = live.get(key) if isinstance(live, dict) else None
    return live if isinstance(live, list) else None


def _metadata(live: Json) -> Json:
    metadata = live.get("metadata")
    return metadata if isinstance(metadata, dict) else {}


def _leaving(live: Json) -> bool:
    return "deletionTimestamp" in _metadata(live)


def _arm_of(live: Json) -> str | None:
    labels = _metadata(live).get("labels")
    return labels.get(LABEL_ARM) if isinstance(labels, dict) else None

"""What the operator knows of the cluster: kept by lists, watches and its own writes; read by `observe`.

Reading costs no request. An object is only ever replaced by a later version of itself, so an old watch event that
arrives after a write's answer does not take the write back from sight.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import cast

from tradefleet_operator.actions import Json, Kind, Ref
from tradefleet_operator.keys import Key, models_of, owner_key, part

Children = Mapping[tuple[Kind, str], Json]
_NONE: Children = MappingProxyType({})


class Store:
    """Objects by reference, by the key that they belong to, and bots by the models that they use."""

    def __init__(self) -> None:
        self._objects: dict[Ref, Json] = {}
        self._by_owner: dict[Key, dict[tuple[Kind, str], Json]] = defaultdict(dict)
        self._users: dict[tuple[str, str], set[str]] = defaultdict(set)
        self._gone: dict[Ref, int] = {}
        """Version at which an object was deleted: what is not later than that is about the dead."""

    def put(self, item: Json) -> frozenset[Key]:
        """Remember an object; returns the keys to look at again, none where it is not news."""
        ref = _ref(item)
        before = self._objects.get(ref)
        if _ended(item):  # the answer to the write that let it go, which may come after the watch told its end
            return self.drop(item)
        if _version(item) <= max(self._gone.get(ref, 0), 0 if before is None else _version(before)):
            return frozenset()
        metadata = part(item, "metadata")
        metadata.pop("managedFields", None)  # half of an object's size, and nobody reads it here
        self._forget(ref, before)
        self._objects[ref] = item
        if (owner := owner_key(item)) is not None and ref.kind not in {"TradingBot", "ModelVersion"}:
            self._by_owner[owner][ref.kind, ref.name] = item
        if ref.kind == "TradingBot":
            for model in models_of(item):
                self._users[ref.namespace, model].add(ref.name)
        return self._affected(ref, before, item)

    def drop(self, item: Json) -> frozenset[Key]:
        """Forget an object that is gone; a successor of the same name stays."""
        ref = _ref(item)
        before = self._objects.get(ref)
        self._gone[ref] = max(self._gone.get(ref, 0), _version(item))
        if before is None or not _same_uid(before, item):
            return frozenset()
        self._gone[ref] = max(self._gone[ref], _version(before))
        self._forget(ref, before)
        del self._objects[ref]
        return self._affected(ref, before, None)

    def bury(self) -> None:
        """Forget who died: no answer to a write can be under way any more that is older than this."""
        self._gone.clear()

    def get(self, ref: Ref) -> Json | None:
        """The object as last seen."""
        return self._objects.get(ref)

    def children(self, key: Key) -> Children:
        """What belongs to this key, by kind and name."""
        return self._by_owner.get(key, _NONE)

    def users(self, namespace: str, model: str) -> tuple[str, ...]:
        """Names of the TradingBots that use a model, sorted."""
        return tuple(sorted(self._users.get((namespace, model), ())))

    def of_kind(self, kind: Kind) -> list[Json]:
        """All objects of a kind."""
        return [item for ref, item in self._objects.items() if ref.kind == kind]

    def _forget(self, ref: Ref, before: Json | None) -> None:
        if before is None:
            return
        if (owner := owner_key(before)) is not None and (siblings := self._by_owner.get(owner)) is not None:
            siblings.pop((ref.kind, ref.name), None)
            if not siblings:
                del self._by_owner[owner]
        if ref.kind == "TradingBot":
            for model in models_of(before):
                users = self._users[ref.namespace, model]
                users.discard(ref.name)
                if not users:
                    del self._users[ref.namespace, model]

    def _affected(self, ref: Ref, before: Json | None, after: Json | None) -> frozenset[Key]:
        found = {key for item in (before, after) if item is not None and (key := owner_key(item)) is not None}
        if ref.kind == "TradingBot":
            names = {name for item in (before, after) if item is not None for name in models_of(item)}
            found |= {Key("ModelVersion", ref.namespace, name) for name in names}
        if ref.kind == "ModelVersion":
            found |= {Key("TradingBot", ref.namespace, bot) for bot in self.users(ref.namespace, ref.name)}
        return frozenset(found)


def roots(items: Iterable[Json]) -> frozenset[Key]:
    """Keys of the objects that are reconciled."""
    return frozenset(key for item in items if (key := owner_key(item)) is not None)


def _ref(item: Json) -> Ref:
    metadata = part(item, "metadata")
    return Ref(cast("Kind", item.get("kind")), str(metadata.get("namespace", "")), str(metadata.get("name", "")))


def _same_uid(one: Json, other: Json) -> bool:
    return part(one, "metadata").get("uid") == part(other, "metadata").get("uid")


def _ended(item: Json) -> bool:
    """Whether nothing holds a deleted object any more, neither a finalizer nor a grace period (a pod's)."""
    metadata = part(item, "metadata")
    held = metadata.get("finalizers") or metadata.get("deletionGracePeriodSeconds")
    return bool(metadata.get("deletionTimestamp")) and not held


def _version(item: Json) -> int:
    """Resource versions of one kind are comparable numbers, also of different objects (KEP-5504, Kubernetes 1.35)."""
    text = str(part(item, "metadata").get("resourceVersion", "0"))
    return int(text) if text.isdecimal() else 0

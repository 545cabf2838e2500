"""Keys: what is reconciled, and which key an object of the cluster belongs to."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

from tradefleet_api.names import LABEL_BOT, LABEL_MODEL
from tradefleet_operator.actions import Json, Ref
from tradefleet_operator.manifests.job import COMPONENT
from tradefleet_operator.names import LABEL_COMPONENT

_ROOTS: Final = ("TradingBot", "ModelVersion")


@dataclass(frozen=True)
class Key:
    """One object that is reconciled as a whole."""

    kind: Literal["TradingBot", "ModelVersion"]
    namespace: str
    name: str

    @property
    def ref(self) -> Ref:
        """As a reference."""
        return Ref(self.kind, self.namespace, self.name)


def part(item: object, *path: str) -> Json:
    """The mapping at a path of keys; empty where there is none."""
    for key in path:
        item = item.get(key) if isinstance(item, dict) else None
    return item if isinstance(item, dict) else {}


def owner_key(item: Json) -> Key | None:
    """The key that an object belongs to: its own, its controller's, or the one that its labels name (pods)."""
    metadata = part(item, "metadata")
    kind, namespace = item.get("kind"), str(metadata.get("namespace", ""))
    if kind == "TradingBot":
        return Key("TradingBot", namespace, str(metadata.get("name")))
    if kind == "ModelVersion":
        return Key("ModelVersion", namespace, str(metadata.get("name")))
    if kind == "Pod":
        labels = part(metadata, "labels")
        if bot := labels.get(LABEL_BOT):
            return Key("TradingBot", namespace, str(bot))
        if labels.get(LABEL_COMPONENT) == COMPONENT and (model := labels.get(LABEL_MODEL)):
            return Key("ModelVersion", namespace, str(model))
        return None
    references = metadata.get("ownerReferences")
    for reference in references if isinstance(references, list) else ():
        if reference.get("controller") and reference.get("kind") in _ROOTS:
            return Key(reference["kind"], namespace, str(reference["name"]))
    return None


def models_of(bot: Json) -> Iterator[str]:
    """Names of the ModelVersions that a TradingBot names or runs."""
    names = [
        part(bot, "spec", "model").get("name"),
        part(bot, "status", "stable").get("name"),
        part(bot, "status", "candidate").get("name"),
    ]
    yield from {str(name) for name in names if name}

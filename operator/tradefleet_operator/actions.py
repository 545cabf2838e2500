"""What a plan may do: plain values, applied in order, each safe to repeat."""

from dataclasses import dataclass
from typing import Literal

Json = dict[str, object]
Kind = Literal[
    "TradingBot",
    "ModelVersion",
    "StatefulSet",
    "Pod",
    "Job",
    "ConfigMap",
    "Service",
    "ServiceAccount",
    "Role",
    "RoleBinding",
]


@dataclass(frozen=True)
class Ref:
    """One object of the cluster."""

    kind: Kind
    namespace: str
    name: str


@dataclass(frozen=True)
class Apply:
    """Server-side apply of a whole child, made by the operator alone."""

    ref: Ref
    manifest: Json


@dataclass(frozen=True)
class Delete:
    """Delete exactly this object (by uid), never its successor of the same name."""

    ref: Ref
    uid: str


@dataclass(frozen=True)
class PatchMetadata:
    """Set the finalizers and drop annotations of a custom resource; refused by the API if it changed meanwhile."""

    ref: Ref
    finalizers: tuple[str, ...]
    drop_annotations: tuple[str, ...] = ()


@dataclass(frozen=True)
class PatchStatus:
    """Bring status from what was observed to what was decided; refused by the API if the object changed meanwhile."""

    ref: Ref
    before: Json
    after: Json


@dataclass(frozen=True)
class Emit:
    """A Kubernetes Event about a transition."""

    ref: Ref
    type: Literal["Normal", "Warning"]
    reason: str
    message: str


Action = Apply | Delete | PatchMetadata | PatchStatus | Emit


@dataclass(frozen=True)
class Plan:
    """Actions in order, and when to look again although nothing happened (seconds); None: only on events."""

    actions: tuple[Action, ...]
    requeue_after: float | None = None

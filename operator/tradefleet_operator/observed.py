"""What `observe` found out and `plan` decides on: immutable, without a way back to the cluster."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from tradefleet_api.botstatus import BotStatus
from tradefleet_api.modelversion import ModelVersionSpec, ModelVersionStatus
from tradefleet_api.names import BOT_PORT, Arm
from tradefleet_api.tradingbot import TradingBotSpec, TradingBotStatus
from tradefleet_operator.actions import Json, Kind, Ref


@dataclass(frozen=True)
class Defaults:
    """What the operator was started with and every bot shares."""

    image: str
    sim_rest: str | None
    """Base URL of the simulator; None where none is installed."""
    sim_stream: str | None
    bot_port: int = BOT_PORT
    status_interval: float = 10.0
    """Seconds between two looks at a bot that nobody waits for."""


@dataclass(frozen=True)
class Meta:
    """Of `metadata`, what decisions need; times are seconds since the epoch."""

    namespace: str
    name: str
    uid: str
    generation: int
    resource_version: str
    deletion: float | None = None
    finalizers: tuple[str, ...] = ()
    annotations: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class ModelView:
    """A ModelVersion as a bot sees it."""

    name: str
    uri: str
    sha256: str
    verified: bool
    rejected: bool
    deleting: bool
    message: str


@dataclass(frozen=True)
class PodView:
    """A pod as a decision sees it."""

    name: str
    uid: str
    digest: str | None
    """The bundle digest that the pod was made for."""
    ip: str | None
    ready_since: float | None
    """None while it is not Ready."""
    terminating: bool = False
    restarts: int = 0
    """Of the bot's own container."""
    trouble: str | None = None
    """Why it does not run: the container's waiting reason with the last termination message; None: nothing known."""


@dataclass(frozen=True)
class Report:
    """What the bot's /status said, or why it did not; `at` is when the answer came."""

    at: float
    status: BotStatus | None
    error: str | None = None


@dataclass(frozen=True)
class BotObserved:
    """One TradingBot and everything that its reconciliation depends on."""

    meta: Meta
    spec: TradingBotSpec | None
    spec_error: str | None
    status: TradingBotStatus
    raw_status: Json
    last_good: TradingBotSpec | None
    """The last spec that was valid, from the ConfigMap that keeps it."""
    models: Mapping[str, ModelView]
    children: Mapping[tuple[Kind, str], Json]
    """Live objects that this bot owns, and any foreign object of a name that it needs."""
    pods: Mapping[Arm, PodView]
    reports: Mapping[Arm, Report]
    defaults: Defaults
    watching_since: float = 0.0
    """When this operator began to lead: no candidate is given up for time in which nobody worked for it."""


@dataclass(frozen=True)
class CheckView:
    """How far the verification Job's pod is; messages are termination messages."""

    fetch_message: str | None = None
    """Of the last failed attempt to fetch."""
    verify_exit: int | None = None
    verify_message: str | None = None
    waiting: str | None = None


@dataclass(frozen=True)
class ModelObserved:
    """One ModelVersion and everything that its reconciliation depends on."""

    meta: Meta
    spec: ModelVersionSpec | None
    spec_error: str | None
    status: ModelVersionStatus
    raw_status: Json
    jobs: Mapping[str, Json]
    """Verification Jobs by name, live."""
    check: CheckView | None
    """Of the pod of the Job that is wanted now; None: no pod yet."""
    artifact_error: str | None
    """Why the artifact cannot be there (the ConfigMap or its key is missing); None: nothing against it."""
    users: tuple[str, ...]
    defaults: Defaults


def owned(live: Json, owner_uid: str) -> bool:
    """Whether the object's controller is the one with this uid."""
    metadata = live.get("metadata")
    references = metadata.get("ownerReferences") if isinstance(metadata, dict) else None
    return any(
        isinstance(reference, dict) and reference.get("controller") and reference.get("uid") == owner_uid
        for reference in (references if isinstance(references, list) else ())
    )


def uid_of(live: Json) -> str:
    """`metadata.uid`, or an empty string."""
    metadata = live.get("metadata")
    return str(metadata.get("uid", "")) if isinstance(metadata, dict) else ""


def ref_of(manifest: Json, kind: Kind) -> Ref:
    """The reference of a manifest."""
    metadata = manifest["metadata"]
    assert isinstance(metadata, dict)  # noqa: S101 - our own builders always set it; this is for the type checker
    return Ref(kind, str(metadata["namespace"]), str(metadata["name"]))

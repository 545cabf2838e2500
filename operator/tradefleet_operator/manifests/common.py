"""What the builders share: identity of an arm, metadata with its owner, the hardened security contexts."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from tradefleet_api.artifact import ClaimArtifact, ConfigMapArtifact, parse
from tradefleet_api.fetch import ARTIFACT_MOUNT
from tradefleet_api.names import API_VERSION, LABEL_ARM, LABEL_BOT, Arm, workload
from tradefleet_api.tradingbot import ModelState, TradingBotSpec
from tradefleet_operator.actions import Json
from tradefleet_operator.names import managed_labels
from tradefleet_operator.observed import Defaults

USER: Final = 10001


@dataclass(frozen=True)
class ArmIdentity:
    """One arm of one bot, and the TradingBot that owns its children."""

    namespace: str
    bot: str
    bot_uid: str
    arm: Arm

    @property
    def name(self) -> str:
        """Name of the StatefulSet, Service, ServiceAccount, Role and RoleBinding."""
        return workload(self.bot, self.arm)

    @property
    def selector(self) -> dict[str, str]:
        """Labels that are this arm's and nobody else's."""
        return {LABEL_BOT: self.bot, LABEL_ARM: self.arm}

    def metadata(self, name: str | None = None, labels: Mapping[str, str] | None = None) -> Json:
        """`metadata` of a child."""
        return {
            "name": name or self.name,
            "namespace": self.namespace,
            "labels": managed_labels({**self.selector, **(labels or {})}),
            "ownerReferences": [owner("TradingBot", self.bot, self.bot_uid)],
        }


@dataclass(frozen=True)
class Workload:
    """What one arm runs: all that its children are made from."""

    arm: ArmIdentity
    spec: TradingBotSpec
    model: ModelState
    uri: str
    defaults: Defaults

    @property
    def image(self) -> str:
        """The bot's image."""
        return self.spec.pod.image or self.defaults.image

    @property
    def secret(self) -> str | None:
        """The Secret with the venue's credentials: only stable ever gets it."""
        reference = self.spec.venue.credentials_secret_ref
        return reference.name if reference is not None and self.arm.arm == "stable" else None


def owner(kind: str, name: str, uid: str) -> Json:
    """The controlling owner reference; children go with their owner."""
    return {
        "apiVersion": API_VERSION,
        "kind": kind,
        "name": name,
        "uid": uid,
        "controller": True,
        "blockOwnerDeletion": True,
    }


def pod_security() -> Json:
    """`securityContext` of a pod: never root; the volume's files belong to the bot's group."""
    return {
        "runAsNonRoot": True,
        "runAsUser": USER,
        "runAsGroup": USER,
        "fsGroup": USER,
        "fsGroupChangePolicy": "OnRootMismatch",
        "seccompProfile": {"type": "RuntimeDefault"},
    }


def container_security() -> Json:
    """`securityContext` of a container: nothing to write to but its volumes, no capability."""
    return {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }


def artifact_volume(uri: str) -> Json | None:
    """The volume that holds the artifact; None where it is fetched over the network.

    Raises UriError for a URI of no known form.
    """
    match parse(uri):
        case ConfigMapArtifact(name=name):
            return {"name": "artifact", "configMap": {"name": name}}
        case ClaimArtifact(name=name):
            return {"name": "artifact", "persistentVolumeClaim": {"claimName": name, "readOnly": True}}
    return None


def artifact_mounts(uri: str) -> list[Json]:
    """Where the container that fetches sees the artifact's volume; empty where there is none."""
    if artifact_volume(uri) is None:
        return []
    return [{"name": "artifact", "mountPath": str(ARTIFACT_MOUNT), "readOnly": True}]


def memory_quantity(text: str) -> str:
    """A memory quantity as the API server would write it: whole units of the larger suffix.

    >>> memory_quantity("1024Mi"), memory_quantity("192Mi")
    ('1Gi', '192Mi')
    """
    suffixes = ("Mi", "Gi", "Ti")
    number, suffix = int(text[:-2]), text[-2:]
    while number and number % 1024 == 0 and suffix != suffixes[-1]:
        number, suffix = number // 1024, suffixes[suffixes.index(suffix) + 1]
    return f"{number}{suffix}"


def cpu_quantity(text: str) -> str:
    """A CPU quantity as the API server would write it.

    >>> cpu_quantity("1000m"), cpu_quantity("050m"), cpu_quantity("2")
    ('1', '50m', '2')
    """
    if not text.endswith("m"):
        return str(int(text))
    milli = int(text[:-1])
    return f"{milli // 1000}" if milli % 1000 == 0 else f"{milli}m"

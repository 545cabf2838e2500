"""Storage and Pod: where a bot runs and where it remembers."""

from typing import Annotated, ClassVar, Final

from pydantic import Field, StringConstraints

from tradefleet_api.base import Contract
from tradefleet_api.rules import Rule

_UNIT: Final = {"": 1, "m": 1e-3, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40}


def _quantity(text: str) -> float:
    """A Kubernetes quantity with one of the suffixes that the patterns below let through."""
    digits = text.rstrip("MGTim")
    return int(digits) * _UNIT[text[len(digits) :]]


class Storage(Contract):
    """The volume of the bot's ledger and journal."""

    RULES: ClassVar = (
        Rule(
            "self == oldSelf",
            "storage cannot change, because the volumes of a StatefulSet cannot: delete the bot and create it anew",
            None,
            reason="FieldValueForbidden",
        ),
    )

    size: Annotated[str, StringConstraints(pattern=r"^[1-9][0-9]{0,5}(Mi|Gi|Ti)$")] = "1Gi"
    """Of the PersistentVolumeClaim."""
    class_name: (
        Annotated[str, StringConstraints(pattern=r"^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$", max_length=253)] | None
    ) = None
    """StorageClass; the cluster's default where unset."""


class Pod(Contract):
    """The bot's pod; the image is the operator's default unless named here."""

    RULES: ClassVar = (
        Rule(
            "quantity(self.memoryRequest).compareTo(quantity(self.memoryLimit)) <= 0",
            "memoryRequest must not be more than memoryLimit",
            lambda pod: _quantity(pod.memory_request) <= _quantity(pod.memory_limit),
            ".memoryRequest",
        ),
    )

    image: Annotated[str, StringConstraints(min_length=1, max_length=512)] | None = None
    """Full reference of the bot's image."""
    cpu_request: Annotated[str, StringConstraints(pattern=r"^[1-9][0-9]{0,5}m?$")] = "50m"
    """There is no CPU limit: throttling would delay orders."""
    memory_request: Annotated[str, StringConstraints(pattern=r"^[1-9][0-9]{0,5}(Mi|Gi)$")] = "192Mi"
    """What the scheduler sets aside."""
    memory_limit: Annotated[str, StringConstraints(pattern=r"^[1-9][0-9]{0,5}(Mi|Gi)$")] = "512Mi"
    """Above this the bot is killed and restarts."""
    node_selector: (
        Annotated[dict[str, Annotated[str, StringConstraints(max_length=63)]], Field(max_length=16)] | None
    ) = None
    """Labels that the node must have."""

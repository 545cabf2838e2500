"""ModelVersion: an immutable artifact, verified by its digest before anything runs it."""

from typing import Annotated, ClassVar, Final, Literal

from pydantic import StringConstraints

from tradefleet_api.artifact import FORMS, UriError, parse
from tradefleet_api.base import Contract
from tradefleet_api.conditions import Conditions
from tradefleet_api.rules import Rule
from tradefleet_api.scalars import Digest

_URI: Final = "^(" + "|".join(FORMS) + ")$"


def _is_uri(text: str) -> bool:
    try:
        parse(text)
    except UriError:
        return False
    return True


class Artifact(Contract):
    """Where the bundle is and which bytes it must be."""

    uri: Annotated[
        str,
        StringConstraints(min_length=1, max_length=1024),
        Rule(
            f"self.matches(r'{_URI}') && !self.matches(r'^(configmap|pvc)://.*/[.][.]?(/.*)?$')",
            "write https://HOST/PATH, configmap://NAME/KEY or pvc://CLAIM/PATH",
            _is_uri,
        ),
    ]
    """`https://HOST/PATH`, `configmap://NAME/KEY` (binaryData, at most 1 MiB) or `pvc://CLAIM/PATH`, the last two in
    the ModelVersion's namespace."""
    sha256: Digest
    """SHA-256 of the whole tar file, lower-case hexadecimal."""


class ModelVersionSpec(Contract):
    """`spec` of a ModelVersion, immutable."""

    RULES: ClassVar = (
        Rule(
            "self == oldSelf",
            "a ModelVersion is immutable: create another one under a new name",
            None,
            reason="FieldValueForbidden",
        ),
    )

    artifact: Artifact
    """The bundle."""


class ModelVersionStatus(Contract):
    """`status` of a ModelVersion."""

    observed_generation: int | None = None
    """The spec's generation that this status is about."""
    phase: Literal["Pending", "Verifying", "Verified", "Rejected"] | None = None
    """Only a Verified one is ever given to a bot; Rejected is final."""
    message: str | None = None
    """Why, in one sentence."""
    digest: str | None = None
    """SHA-256 that was measured."""
    features: list[str] | None = None
    """Features that the bundle requires, from its manifest."""
    decision_interval: str | None = None
    """Time between two decisions that the model was trained for, from its manifest."""
    used_by: list[str] | None = None
    """TradingBots that name it."""
    conditions: Conditions | None = None
    """By kstatus: Ready always, Reconciling and Stalled when they are so, then Verified."""

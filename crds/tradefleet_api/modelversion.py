"""ModelVersion: an immutable artifact, verified by its digest before anything runs it."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from tradefleet_api.base import Contract
from tradefleet_api.conditions import Condition

Digest = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


class Artifact(Contract):
    """Where the bundle is and which bytes it must be.

    `uri`: `https://…`, `configmap://NAME/KEY` (binaryData, at most 1 MiB, in the ModelVersion's namespace) or
    `pvc://CLAIM/PATH`. `sha256` is the digest of the whole tar file.
    """

    uri: Annotated[str, StringConstraints(pattern=r"^(https|configmap|pvc)://.+", max_length=1024)]
    sha256: Digest


class Lineage(Contract):
    """Where the model came from; `trainedThrough` is RFC 3339."""

    trained_through: str | None = None
    data_digest: str | None = None
    code_revision: str | None = None
    seed: int | None = None


class ModelVersionSpec(Contract):
    """`spec` of a ModelVersion, immutable."""

    artifact: Artifact
    lineage: Lineage | None = None
    metrics: dict[str, float] | None = None


class ModelVersionStatus(Contract):
    """`status` of a ModelVersion."""

    observed_generation: int | None = None
    phase: Literal["Pending", "Verifying", "Verified", "Rejected"] | None = None
    message: str | None = None
    digest: Annotated[str, Field(description="SHA-256 that was measured")] | None = None
    features: list[str] | None = None
    """Features the bundle requires, from its manifest."""
    used_by: list[str] | None = None
    conditions: list[Condition] | None = None

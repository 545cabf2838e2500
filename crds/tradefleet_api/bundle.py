"""The model bundle and its one verifier: used by the command line, the init container, the bot and the training.

A bundle is a tar file of flat files. Its digest is the SHA-256 of the tar's bytes; `manifest.json` in it says what the
model needs, what it consists of, and the digest of every other file. Reading trusts nothing: whatever is wrong is a
`BundleError` with one sentence.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Annotated, Final, Literal, Self

from pydantic import ConfigDict, Field, StringConstraints, ValidationError, model_validator

from tradefleet_api.base import Contract
from tradefleet_api.duration import Duration
from tradefleet_api.refusal import RefusedError, sentence
from tradefleet_api.scalars import Digest
from tradefleet_api.ustar import NAME, TarError, pack, unpack

FORMAT: Final = "tradefleet-bundle/1"
MANIFEST: Final = "manifest.json"
MAX_BYTES: Final = 64 * 1024 * 1024

FileName = Annotated[str, StringConstraints(pattern=f"^{NAME.pattern}$")]
Word = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,62}$")]
Action = Literal["HOLD", "OPEN_LONG", "OPEN_SHORT", "ADD", "REDUCE", "CLOSE"]
ACTIONS: Final[tuple[Action, ...]] = ("HOLD", "OPEN_LONG", "OPEN_SHORT", "ADD", "REDUCE", "CLOSE")
OBSERVATIONS: Final = ("score", "position", "unrealized", "holding", "volatility", "spread")
"""What a policy may look at, besides the scores of the members by their names."""


class BundleError(RefusedError):
    """A bundle that must not be run; `str()` says why in one sentence."""


class _Part(Contract):
    model_config = ConfigDict(allow_inf_nan=False)


class StatelessMember(_Part):
    """ONNX graph `features[1,F] -> probabilities[1,3]` (down, flat, up)."""

    name: Word
    kind: Literal["stateless"] = "stateless"
    file: FileName
    weight: Annotated[float, Field(gt=0)]


class RecurrentMember(_Part):
    """ONNX graph `features[1,F], hidden[1,H], cell[1,H] -> probabilities[1,3], hidden_out[1,H], cell_out[1,H]`."""

    name: Word
    kind: Literal["recurrent"] = "recurrent"
    file: FileName
    weight: Annotated[float, Field(gt=0)]
    hidden: Annotated[int, Field(ge=1, le=4096)]


Member = Annotated[StatelessMember | RecurrentMember, Field(discriminator="kind")]


class Policy(_Part):
    """ONNX graph `observation[1,O] -> logits[1,6]`; scaling is inside the graph."""

    file: FileName
    observation: Annotated[tuple[Word, ...], Field(min_length=1, max_length=64)]
    actions: tuple[Action, ...] = ACTIONS

    @model_validator(mode="after")
    def _the_six(self) -> Self:
        if self.actions != ACTIONS:
            raise ValueError(f"actions must be {', '.join(ACTIONS)}, in this order")
        return self


class BundleLineage(_Part):
    """Where the model came from: enough to make it again."""

    seed: int
    data_digest: str
    trained_through: str
    """End of the training data, RFC 3339: only later data is evidence for or against the model."""
    code_revision: str


class Manifest(_Part):
    """`manifest.json`: what the model needs, what it is made of, and which bytes each file must be."""

    format: Literal["tradefleet-bundle/1"] = FORMAT
    name: Annotated[str, StringConstraints(min_length=1, max_length=253)]
    decision_interval: Duration
    features: Annotated[tuple[Word, ...], Field(min_length=1, max_length=256)]
    """Required features, in the order of the members' input."""
    feature_schema: Digest
    """`tradefleet_bot.core.features.schema_hash(features)` at training: the bot refuses a model of other formulas."""
    members: Annotated[tuple[Member, ...], Field(min_length=1, max_length=16)]
    quorum: Annotated[int, Field(ge=1)]
    """Fewest members that must vote for a decision other than HOLD."""
    policy: Policy
    golden: FileName
    files: Mapping[FileName, Digest] = Field(default_factory=dict)
    """SHA-256 of every file but the manifest; filled in by `write_bundle`."""
    lineage: BundleLineage
    metrics: Mapping[str, float] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _coherent(self) -> Self:
        names = [member.name for member in self.members]
        for what, words in (("feature", self.features), ("member", names), ("observation", self.policy.observation)):
            if twice := _duplicates(words):
                raise ValueError(f"{what} {twice[0]!r} appears twice")
        if taken := [name for name in names if name in OBSERVATIONS]:
            raise ValueError(f"member {taken[0]!r}: this name belongs to an observation, choose another")
        if self.quorum > len(names):
            raise ValueError(f"quorum {self.quorum} is more than the {len(names)} members")
        if unknown := [item for item in self.policy.observation if item not in OBSERVATIONS and item not in names]:
            known = ", ".join([*OBSERVATIONS, *names])
            raise ValueError(f"policy.observation {unknown[0]!r} is unknown; known are {known}")
        return self

    def named_files(self) -> tuple[str, ...]:
        """The files that this manifest refers to by role."""
        return (*(member.file for member in self.members), self.policy.file, self.golden)


@dataclass(frozen=True, slots=True)
class Bundle:
    """A bundle that was read and verified: `files` is without the manifest, `digest` is the tar's SHA-256."""

    manifest: Manifest
    files: Mapping[str, bytes]
    digest: str


def write_bundle(files: Mapping[str, bytes], manifest: Manifest) -> bytes:
    """The bundle's tar file; the same input gives the same bytes on every machine.

    `manifest.files` is computed here, whatever it was. Raises BundleError where `read_bundle` would refuse the result.
    """
    complete = manifest.model_copy(update={"files": {name: sha256(content) for name, content in files.items()}})
    text = json.dumps(complete.to_wire(), sort_keys=True, separators=(",", ":"), allow_nan=False)
    try:
        data = pack({**files, MANIFEST: text.encode()})
    except TarError as error:
        raise BundleError(str(error)) from error
    read_bundle(data, None)
    return data


def read_bundle(data: bytes, expected_sha256: str | None) -> Bundle:
    """The verified bundle in `data`.

    Raises BundleError with one sentence: too large, digest mismatch, not a tar of flat files, missing or unexpected
    member, unknown format version, faulty manifest, or a file whose digest is not the manifest's.
    """
    if len(data) > MAX_BYTES:
        raise BundleError(f"bundle of {len(data)} bytes: the limit is {MAX_BYTES} (64 MiB)")
    digest = sha256(data)
    if expected_sha256 is not None and digest != expected_sha256:
        raise BundleError(f"bundle digest mismatch: expected {expected_sha256}, measured {digest}")
    try:
        files = unpack(data)
    except TarError as error:
        raise BundleError(str(error)) from error
    if MANIFEST not in files:
        raise BundleError(f"bundle holds no {MANIFEST}")
    manifest = _manifest(files.pop(MANIFEST))
    if missing := sorted(({*manifest.files, *manifest.named_files()}) - files.keys()):
        raise BundleError(f"bundle lacks the file {missing[0]!r} that its manifest names")
    if unexpected := sorted(files.keys() - manifest.files.keys()):
        raise BundleError(f"bundle holds {unexpected[0]!r}, for which its manifest has no digest")
    for name, content in files.items():
        if (measured := sha256(content)) != manifest.files[name]:
            raise BundleError(f"digest mismatch of {name!r}: expected {manifest.files[name]}, measured {measured}")
    return Bundle(manifest, MappingProxyType(files), digest)


def sha256(data: bytes) -> str:
    """Lower-case hexadecimal SHA-256."""
    return hashlib.sha256(data).hexdigest()


def _manifest(text: bytes) -> Manifest:
    try:
        return Manifest.model_validate_json(text)
    except ValidationError as error:
        raise BundleError(f"{MANIFEST}: {sentence(error)}") from error


def _duplicates(words: Iterable[str]) -> list[str]:
    return [word for word, count in Counter(words).items() if count > 1]

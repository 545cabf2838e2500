"""The plan for one ModelVersion: verified once by a Job, then only its users are kept up to date."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

from pydantic import TypeAdapter, ValidationError
from typing_extensions import TypedDict

from tradefleet_api.modelversion import ModelVersionSpec, ModelVersionStatus
from tradefleet_operator.actions import Action, Apply, Delete, PatchMetadata, PatchStatus, Plan, Ref
from tradefleet_operator.covers import covers
from tradefleet_operator.manifests.job import job_name, verification_job
from tradefleet_operator.names import FINALIZER_IN_USE
from tradefleet_operator.observed import CheckView, ModelObserved, owned, uid_of
from tradefleet_operator.plan.conditions import Fact, conditions
from tradefleet_operator.plan.transitions import model_events

RETRY: Final = 5.0
"""Seconds between two looks at an artifact that is not there."""
_FINAL_FETCH_FAULTS: Final = ("digest mismatch", "larger than the limit", "which is refused")
"""Parts of the fetcher's sentences that no later try can change."""
_REFUSED: Final = 1
"""Exit code of `tradefleet models verify` for a bundle that it refuses."""


class _Result(TypedDict):
    digest: str
    features: list[str]
    decisionInterval: str


_RESULT: Final = TypeAdapter(_Result)


@dataclass(frozen=True)
class Verdict:
    """How far verification is, with its reason."""

    phase: Literal["Pending", "Verifying", "Verified", "Rejected"]
    reason: str
    message: str
    digest: str | None = None
    features: list[str] | None = None
    decision_interval: str | None = None

    @property
    def final(self) -> bool:
        """The Job has said all it can."""
        return self.phase in {"Verified", "Rejected"}


def plan_model(observed: ModelObserved, now: float) -> Plan:
    """Actions for this ModelVersion."""
    meta = observed.meta
    ref = Ref("ModelVersion", meta.namespace, meta.name)
    if meta.deletion is not None:
        return _deletion(observed, ref, now)
    verdict = _verdict(observed)
    actions: list[Action] = []
    if FINALIZER_IN_USE not in meta.finalizers:
        actions.append(PatchMetadata(ref, (*meta.finalizers, FINALIZER_IN_USE)))
    actions.extend(_status(observed, ref, verdict, now))
    actions.extend(_jobs(observed, verdict))
    return Plan(tuple(actions), RETRY if observed.artifact_error is not None and not verdict.final else None)


def _verdict(observed: ModelObserved) -> Verdict:
    status, spec = observed.status, observed.spec
    if spec is None:
        return Verdict("Rejected", "InvalidSpec", observed.spec_error or "spec cannot be read")
    settled = status.phase in {"Verified", "Rejected"} and status.observed_generation == observed.meta.generation
    if settled and status.phase == "Verified" and status.digest == spec.artifact.sha256:
        text = status.message or ""
        return Verdict("Verified", "Verified", text, status.digest, status.features, status.decision_interval)
    if settled and status.phase == "Rejected":
        reason = next((item.reason for item in status.conditions or () if item.type == "Verified"), "Rejected")
        return Verdict("Rejected", reason, status.message or "", status.digest)
    if observed.check is not None:
        return _checked(spec, observed.check, observed.artifact_error)
    if observed.artifact_error is not None:
        return Verdict("Pending", "ArtifactNotFound", observed.artifact_error)
    return Verdict("Verifying", "Verifying", "waiting for the verification Job")


def _checked(spec: ModelVersionSpec, check: CheckView, artifact_error: str | None) -> Verdict:
    if check.verify_exit == 0:
        return _passed(spec, check.verify_message or "")
    if check.verify_exit == _REFUSED:
        return Verdict("Rejected", "BundleRefused", check.verify_message or "the bundle's verifier refused it")
    if check.verify_exit is not None:
        why = check.verify_message or f"exit code {check.verify_exit}"
        return Verdict("Verifying", "VerifierFailed", f"the verifier failed and is tried again: {why}")
    if check.fetch_message is not None:
        if any(fault in check.fetch_message for fault in _FINAL_FETCH_FAULTS):
            return Verdict("Rejected", "DigestMismatch", check.fetch_message, _measured(check.fetch_message))
        return Verdict("Pending", "ArtifactUnreachable", f"{check.fetch_message}; tried again")
    if artifact_error is not None:
        return Verdict("Pending", "ArtifactNotFound", artifact_error)
    if check.waiting is not None:
        return Verdict("Verifying", "PodNotStarting", check.waiting)
    return Verdict("Verifying", "Verifying", "the verification Job runs")


def _passed(spec: ModelVersionSpec, message: str) -> Verdict:
    try:
        result = _RESULT.validate_python(json.loads(message))
    except (ValueError, ValidationError):
        return Verdict("Verifying", "VerifierFailed", "the verifier ended without its result: delete its Job")
    expected, measured = spec.artifact.sha256, result["digest"]
    if measured != expected:
        text = f"bundle digest mismatch: expected {expected}, measured {measured}"
        return Verdict("Rejected", "DigestMismatch", text, measured)
    text = f"digest {measured}, {len(result['features'])} features"
    return Verdict("Verified", "Verified", text, measured, result["features"], result["decisionInterval"])


def _measured(message: str) -> str | None:
    word = message.rpartition("measured ")[2].strip(" .;")
    return word if len(word) == 64 else None


def _status(observed: ModelObserved, ref: Ref, verdict: Verdict, now: float, held: str = "") -> Iterator[Action]:
    generation = observed.meta.generation
    after = ModelVersionStatus(
        observed_generation=generation,
        phase=verdict.phase,
        message=verdict.message,
        digest=verdict.digest,
        features=verdict.features,
        decision_interval=verdict.decision_interval,
        used_by=list(observed.users) or None,
        conditions=conditions(observed.status.conditions, _facts(verdict, held), generation, now),
    )
    wire = after.to_wire()
    if wire != observed.raw_status:
        yield PatchStatus(ref, observed.raw_status, wire)
        yield from model_events(ref, observed.status, after)


def _facts(verdict: Verdict, held: str) -> Iterator[Fact]:
    verified = verdict.phase == "Verified"
    yield Fact("Ready", "True" if verified else "False", verdict.reason, held or verdict.message)
    if verdict.phase == "Rejected":
        yield Fact("Stalled", "True", verdict.reason, verdict.message)
    elif not verified:
        yield Fact("Reconciling", "True", verdict.reason, verdict.message)
    state: Literal["True", "False", "Unknown"] = "False" if verdict.phase == "Rejected" else "Unknown"
    yield Fact("Verified", "True" if verified else state, verdict.reason, verdict.message)


def _jobs(observed: ModelObserved, verdict: Verdict) -> Iterator[Action]:
    """One Job while the verdict is open; a rejected one is stopped, a finished one stays for an hour to be read."""
    meta, spec = observed.meta, observed.spec
    image = observed.defaults.image
    current = job_name(meta.name, meta.uid, spec, image) if spec is not None else ""
    for name, job in observed.jobs.items():
        mine = owned(job, meta.uid)
        unfinished = name != current or verdict.phase == "Rejected"
        if mine and unfinished and not _leaving(job):
            yield Delete(Ref("Job", meta.namespace, name), uid_of(job))
    if verdict.final or spec is None:
        return
    live = observed.jobs.get(current)
    wanted = verification_job(meta.namespace, meta.name, meta.uid, spec, image)
    if live is None or (owned(live, meta.uid) and not _leaving(live) and not covers(live, wanted)):
        yield Apply(Ref("Job", meta.namespace, current), wanted)


def _deletion(observed: ModelObserved, ref: Ref, now: float) -> Plan:
    meta = observed.meta
    if FINALIZER_IN_USE not in meta.finalizers:
        return Plan(())
    if observed.users:
        held = f"deletion waits: in use by {', '.join(observed.users)}"
        return Plan(tuple(_status(observed, ref, _verdict(observed), now, held)))
    return Plan((PatchMetadata(ref, tuple(name for name in meta.finalizers if name != FINALIZER_IN_USE)),))


def _leaving(job: dict[str, object]) -> bool:
    metadata = job.get("metadata")
    return isinstance(metadata, dict) and "deletionTimestamp" in metadata

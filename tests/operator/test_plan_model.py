"""A ModelVersion's verdict: what is final, what is tried again, and what its users mean for its deletion."""

import json
from dataclasses import replace

import pytest

from tradefleet_api.modelversion import ModelVersionSpec, ModelVersionStatus
from tradefleet_operator.actions import Action, Apply, Delete, PatchMetadata, PatchStatus
from tradefleet_operator.manifests.job import verification_job
from tradefleet_operator.observed import CheckView, Meta, ModelObserved
from tradefleet_operator.plan.model import plan_model

from .world import DEFAULTS

A, B = "a" * 64, "b" * 64
SPEC = ModelVersionSpec.model_validate({"artifact": {"uri": "configmap://m/b.tar", "sha256": A}})
RESULT = json.dumps({"digest": A, "features": ["return_5s", "spread"], "decisionInterval": "1s"})
FRESH = ModelObserved(
    meta=Meta("ns", "v1", "uid", 1, "1", finalizers=("tradefleet.dev/in-use",)), spec=SPEC, spec_error=None,
    status=ModelVersionStatus(), raw_status={}, jobs={}, check=None, artifact_error=None, users=(), defaults=DEFAULTS,
)  # fmt: skip


def decided(observed: ModelObserved) -> tuple[ModelVersionStatus, tuple[Action, ...]]:
    actions = plan_model(observed, 0.0).actions
    patches = [action for action in actions if isinstance(action, PatchStatus)]
    return (ModelVersionStatus.model_validate(patches[0].after) if patches else observed.status), actions


def settled(observed: ModelObserved) -> ModelObserved:
    """As the next observation finds it, its Job in place."""
    status, _ = decided(observed)
    job = verification_job("ns", "v1", "uid", SPEC, DEFAULTS.image)
    name = str(job["metadata"]["name"])  # type: ignore[index] # a manifest's metadata is a mapping
    return replace(observed, status=status, raw_status=status.to_wire(), jobs={name: job})


def with_check(**check: object) -> ModelObserved:
    return replace(settled(FRESH), check=CheckView(**check))  # type: ignore[arg-type] # the cases below are right


def test_a_new_model_gets_its_job_and_then_nothing_more_is_planned() -> None:
    status, actions = decided(FRESH)
    assert status.phase == "Verifying"
    assert [action.ref.kind for action in actions if isinstance(action, Apply)] == ["Job"]
    assert plan_model(settled(FRESH), 5.0).actions == ()


def test_the_result_of_the_job_verifies_it() -> None:
    status, _ = decided(with_check(verify_exit=0, verify_message=RESULT))
    assert (status.phase, status.digest) == ("Verified", A)
    assert (status.features, status.decision_interval) == (["return_5s", "spread"], "1s")
    done = replace(with_check(verify_exit=0, verify_message=RESULT), status=status, raw_status=status.to_wire())
    assert plan_model(done, 9.0).actions == ()
    assert plan_model(replace(done, jobs={}, check=None), 9.0).actions == (), "no second Job once it is known"


@pytest.mark.parametrize(
    ("check", "phase", "words"),
    [
        ({"fetch_message": f"u: bundle digest mismatch: expected {A}, measured {B}"}, "Rejected", B),
        ({"fetch_message": "u: larger than the limit of 1 bytes"}, "Rejected", "larger"),
        ({"fetch_message": "u: the server answered 503 Busy"}, "Pending", "503"),
        ({"verify_exit": 1, "verify_message": "member lstm is missing"}, "Rejected", "lstm"),
        ({"verify_exit": 137, "verify_message": None}, "Verifying", "137"),
        ({"verify_exit": 0, "verify_message": "fine, trust me"}, "Verifying", "without its result"),
        ({"verify_exit": 0, "verify_message": RESULT.replace(A, B)}, "Rejected", "expected"),
        ({"waiting": "verify: ErrImagePull: no such image"}, "Verifying", "ErrImagePull"),
        ({}, "Verifying", "runs"),
    ],
)
def test_what_is_final_and_what_is_tried_again(check: dict[str, object], phase: str, words: str) -> None:
    status, actions = decided(with_check(**check))
    assert status.phase == phase
    assert words in (status.message or "")
    stops = [action for action in actions if isinstance(action, Delete)]
    assert bool(stops) == (phase == "Rejected"), "a rejected one is not fetched again and again"


def test_a_rejected_model_stays_rejected_and_knows_what_was_measured() -> None:
    refused = with_check(fetch_message=f"u: bundle digest mismatch: expected {A}, measured {B}")
    status, _ = decided(refused)
    assert status.digest == B
    later = replace(refused, status=status, raw_status=status.to_wire(), jobs={}, check=None)
    assert plan_model(later, 99.0).actions == ()


def test_a_missing_artifact_is_said_and_looked_for_again() -> None:
    missing = replace(FRESH, artifact_error="there is no ConfigMap m in namespace ns")
    status, _ = decided(missing)
    assert (status.phase, status.message) == ("Pending", "there is no ConfigMap m in namespace ns")
    assert plan_model(missing, 0.0).requeue_after == 5.0
    status, _ = decided(replace(with_check(verify_exit=0, verify_message=RESULT), artifact_error=None))
    assert status.phase == "Verified"


def test_an_image_that_changes_replaces_an_unfinished_job() -> None:
    upgraded = replace(settled(FRESH), defaults=replace(DEFAULTS, image="bot:2"))
    kinds = [type(action) for action in plan_model(upgraded, 0.0).actions]
    assert kinds == [Delete, Apply]


def test_a_model_in_use_is_not_deleted() -> None:
    leaving = replace(FRESH, meta=replace(FRESH.meta, deletion=1.0), users=("btc", "eth"))
    status, actions = decided(leaving)
    assert status.used_by == ["btc", "eth"]
    assert not [action for action in actions if isinstance(action, PatchMetadata)]
    assert any("in use by btc, eth" in condition.message for condition in status.conditions or [])
    (action,) = plan_model(replace(leaving, users=()), 2.0).actions
    assert isinstance(action, PatchMetadata)
    assert action.finalizers == ()

"""From a bundle's bytes to a model that gave, here and now, the answers it gave where it was trained."""

from typing import Annotated, Final

import numpy as np
from pydantic import Field, ValidationError

from tradefleet_api.base import Contract
from tradefleet_api.bundle import Action, Bundle, BundleError
from tradefleet_api.refusal import sentence
from tradefleet_bot.core.decision import PortfolioView
from tradefleet_bot.core.features import UnknownFeatureError, schema_hash
from tradefleet_bot.core.inference.model import OnnxModel

GOLDEN_TOLERANCE: Final = 1e-5
"""Largest absolute difference of a probability or logit between two machines' float32 arithmetic."""


class GoldenStep(Contract):
    """One step of the golden sequence: inputs, and what the model answered when it was made."""

    features: list[float]
    position: float
    unrealized: float
    holding: float
    mask: Annotated[tuple[bool, bool, bool, bool, bool, bool], Field(description="allowed actions")]
    probabilities: dict[str, list[float]]
    logits: list[float]
    action: Action


class Golden(Contract):
    """`golden.json`: a short sequence from a zero recurrent state."""

    steps: Annotated[list[GoldenStep], Field(min_length=1, max_length=1000)]


def load(bundle: Bundle) -> OnnxModel:
    """The model of a verified bundle.

    Raises BundleError with one sentence: unknown features, features computed by other formulas than at training,
    a graph with another signature, or an answer to the golden vector that differs by more than 1e-5.
    """
    manifest = bundle.manifest
    try:
        here = schema_hash(manifest.features)
    except UnknownFeatureError as error:
        raise BundleError(str(error)) from error
    if here != manifest.feature_schema:
        raise BundleError(
            f"feature schema mismatch: the model was trained on {manifest.feature_schema}, this bot computes {here}; "
            "train it again with this version"
        )
    model = OnnxModel(bundle)
    _check_golden(model, manifest.golden, bundle.files[manifest.golden])
    return model


def _check_golden(model: OnnxModel, file: str, text: bytes) -> None:
    try:
        golden = Golden.model_validate_json(text)
    except ValidationError as error:
        raise BundleError(f"{file}: {sentence(error)}") from error
    state = model.for_symbol()
    for number, step in enumerate(golden.steps):
        if len(step.features) != len(model.features):
            raise BundleError(f"{file}: step {number} has {len(step.features)} features, not {len(model.features)}")
        view = PortfolioView(position=step.position, unrealized=step.unrealized, holding=step.holding)
        with np.errstate(over="ignore"):  # what float32 cannot hold becomes infinite, and is refused as that
            features = np.array(step.features).astype(np.float32)
        seen = model.step(state, features, (), view, step.mask)
        if seen.logits is None:
            raise BundleError(f"{file}: step {number} gave no decision: {seen.decision.reason}")
        if step.probabilities.keys() != seen.probabilities.keys():
            raise BundleError(f"{file}: step {number} names members {sorted(step.probabilities)}")
        pairs = [(name, seen.probabilities[name], wanted) for name, wanted in step.probabilities.items()]
        for name, found, wanted in [*pairs, ("policy", seen.logits, step.logits)]:
            reference = np.array(wanted)
            if found.shape != reference.shape or not np.allclose(found, reference, rtol=0, atol=GOLDEN_TOLERANCE):
                raise BundleError(f"{file}: step {number}: {name} answers {found.tolist()}, not {wanted}")
        if seen.decision.action != step.action:
            raise BundleError(f"{file}: step {number} decides {seen.decision.action}, not {step.action}")

"""What `load` refuses, each in one sentence that says what is wrong."""

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from bot.inference import tiny
from onnx import helper

from tradefleet_api.bundle import BundleError
from tradefleet_bot.core.inference import load


def test_a_sound_bundle_is_loaded() -> None:
    model = load(tiny.bundle())
    assert model.features == tiny.FEATURES
    assert len(model.digest) == 64


def swapped() -> bytes:
    """A policy whose actions mean other things."""
    return tiny.policy(weights=np.ascontiguousarray(tiny.POLICY[:, ::-1]))


def integers() -> bytes:
    cast = [helper.make_node("MatMul", ["observation", "weights"], ["scores"])]
    return tiny.graph(cast, {"observation": 8}, {"scores": 6}, weights=tiny.POLICY)


@pytest.mark.parametrize(
    ("files", "sentence"),
    [
        ({"xgboost.onnx": b"no graph"}, "xgboost.onnx: ONNX Runtime refuses it: "),
        ({"xgboost.onnx": tiny.stateless(inputs={"features": 2})}, r"xgboost.onnx: "),
        ({"xgboost.onnx": tiny.recurrent()}, r"xgboost.onnx: its inputs are \['cell', 'features', 'hidden'\]"),
        ({"lstm.onnx": tiny.stateless()}, r"lstm.onnx: its inputs are \['features'\], not"),
        ({"policy.onnx": integers()}, r"policy.onnx: its outputs are \['scores'\], not \['logits'\]"),
        (
            {"policy.onnx": tiny.policy(7, tiny.POLICY[:7])},
            r"policy.onnx: input observation is .*\[1, 7\], not .*\[1, 8\]",
        ),
        ({"policy.onnx": tiny.policy(8, tiny.POLICY[:, :5])}, r"policy.onnx: output logits is .*\[1, 5\]"),
        ({"policy.onnx": swapped()}, r"golden.json: step 0: policy answers"),
        ({"golden.json": b"{"}, "golden.json: "),
        ({"golden.json": b"[" * 100_000}, "golden.json: "),
        ({"golden.json": b"\xff"}, "golden.json: "),
        ({"golden.json": {"steps": []}}, "golden.json: steps"),
    ],
)
def test_a_wrong_file_is_refused(files: dict[str, Any], sentence: str) -> None:
    with pytest.raises(BundleError, match=f"^{sentence}") as refusal:
        load(tiny.bundle(files))
    assert "\n" not in str(refusal.value)


def other_features(step: dict[str, Any]) -> None:
    step["features"][0] += 0.01


def other_probability(step: dict[str, Any]) -> None:
    step["probabilities"]["lstm"][1] += 2e-5


def other_logit(step: dict[str, Any]) -> None:
    step["logits"][5] -= 2e-5


def other_action(step: dict[str, Any]) -> None:
    step["action"] = "ADD" if step["action"] != "ADD" else "CLOSE"


def too_few_features(step: dict[str, Any]) -> None:
    step["features"].pop()


def too_few_probabilities(step: dict[str, Any]) -> None:
    step["probabilities"]["lstm"].pop()


def another_member(step: dict[str, Any]) -> None:
    step["probabilities"]["gru"] = step["probabilities"].pop("lstm")


def beyond_float32(step: dict[str, Any]) -> None:
    step["features"][0] = 1e300


def a_nan_logit(step: dict[str, Any]) -> None:
    step["logits"][0] = float("nan")


def a_nan_member(step: dict[str, Any]) -> None:
    step["features"][0] = -1.0


@pytest.mark.parametrize(
    "spoil",
    [
        other_features,
        other_probability,
        other_logit,
        other_action,
        too_few_features,
        too_few_probabilities,
        another_member,
        beyond_float32,
        a_nan_logit,
        a_nan_member,
    ],
)
@pytest.mark.parametrize("number", [0, 2])
def test_another_answer_than_the_golden_one_is_refused(spoil: Callable[[dict[str, Any]], None], number: int) -> None:
    golden = copy.deepcopy(tiny.golden())
    spoil(golden["steps"][number])
    with pytest.raises(BundleError, match=f"^golden.json: step {number}") as refusal:
        load(tiny.bundle({"golden.json": golden}))
    assert "\n" not in str(refusal.value)


def test_the_golden_sequence_checks_the_recurrent_state() -> None:
    golden = tiny.golden()
    golden["steps"] = golden["steps"][1:]  # computed from a state that one step has moved
    with pytest.raises(BundleError, match=r"^golden.json: step 0: lstm answers"):
        load(tiny.bundle({"golden.json": golden}))


def test_other_formulas_are_refused() -> None:
    with pytest.raises(BundleError, match=f"^feature schema mismatch: .*{'0' * 64}"):
        load(tiny.bundle(featureSchema="0" * 64))


def test_an_unknown_feature_is_refused() -> None:
    with pytest.raises(BundleError, match=r"^unknown feature 'rsi'"):
        load(tiny.bundle(features=("volatility_5s", "spread", "rsi")))


@pytest.mark.parametrize("location", ["weights.bin", "{folder}/weights.bin", "../../..{folder}/weights.bin"])
def test_a_graph_that_keeps_its_weights_elsewhere_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, location: str
) -> None:
    """A bundle is all there is: its graphs read no file of the machine."""
    import onnx

    (tmp_path / "weights.bin").write_bytes(tiny.POLICY.tobytes())
    monkeypatch.chdir(tmp_path)
    model = onnx.load_model_from_string(tiny.policy())
    tensor = model.graph.initializer[0]
    tensor.ClearField("float_data")
    tensor.data_location = onnx.TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value=location.format(folder=tmp_path))
    with pytest.raises(BundleError, match=r"^policy.onnx: "):
        load(tiny.bundle({"policy.onnx": model.SerializeToString()}))

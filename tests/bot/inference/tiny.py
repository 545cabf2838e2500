"""The smallest bundle that a bot can run: graphs of one or two operators, and a golden sequence computed in NumPy."""

import json
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import TensorProto, helper

from tradefleet_api.bundle import ACTIONS, Bundle, Manifest, read_bundle, write_bundle
from tradefleet_bot.core.features import schema_hash

FEATURES = ("volatility_5s", "spread", "return_1s")
HIDDEN = 4
OBSERVATION = ("score", "xgboost", "lstm", "position", "unrealized", "holding", "volatility", "spread")
ALL = (True,) * 6

Array = NDArray[np.float32]
_rng = np.random.default_rng(3)
TREES = _rng.normal(size=(3, 3)).astype(np.float32)
CELLS = _rng.normal(size=(3, HIDDEN)).astype(np.float32)
HEAD = _rng.normal(size=(HIDDEN, 3)).astype(np.float32)
POLICY = _rng.normal(size=(len(OBSERVATION), 6)).astype(np.float32)


def graph(nodes: list[Any], inputs: dict[str, int], outputs: dict[str, int], **weights: Array) -> bytes:
    """An ONNX model; inputs and outputs are float rows of the given widths."""

    def rows(widths: dict[str, int]) -> list[Any]:
        return [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, width]) for name, width in widths.items()]

    constants = [
        helper.make_tensor(name, TensorProto.FLOAT, list(value.shape), value.ravel().tolist())
        for name, value in weights.items()
    ]
    made = helper.make_graph(nodes, "tiny", rows(inputs), rows(outputs), constants)
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    return bytes(model.SerializeToString())


def stateless(**changes: Any) -> bytes:
    """probabilities = softmax(features · TREES), NaN where the first feature is negative: sqrt poisons them."""
    nodes = [
        helper.make_node("MatMul", ["features", "trees"], ["z"]),
        helper.make_node("Gather", ["features", "first"], ["x"], axis=1),
        helper.make_node("Sqrt", ["x"], ["root"]),
        helper.make_node("Sub", ["root", "root"], ["poison"]),
        helper.make_node("Add", ["z", "poison"], ["sum"]),
        helper.make_node("Softmax", ["sum"], ["probabilities"]),
    ]
    return graph(
        [helper.make_node("Constant", [], ["first"], value_ints=[0]), *nodes],
        changes.get("inputs", {"features": 3}),
        {"probabilities": 3},
        trees=TREES,
    )


def failing() -> bytes:
    """Like `stateless`, but raises while it runs where the first feature is 1 or more: it gathers out of range."""
    nodes = [
        helper.make_node("Constant", [], ["first"], value_ints=[0]),
        helper.make_node("Gather", ["features", "first"], ["x"], axis=1),
        helper.make_node("Cast", ["x"], ["whole"], to=TensorProto.INT64),
        helper.make_node("Mul", ["whole", "many"], ["index"]),
        helper.make_node("Gather", ["row", "index"], ["picked"], axis=0),
        helper.make_node("Squeeze", ["picked", "axes"], ["offset"]),
        helper.make_node("MatMul", ["features", "trees"], ["z"]),
        helper.make_node("Add", ["z", "offset"], ["sum"]),
        helper.make_node("Softmax", ["sum"], ["probabilities"]),
    ]
    constants = [
        helper.make_node("Constant", [], ["many"], value_ints=[100]),
        helper.make_node("Constant", [], ["axes"], value_ints=[0]),
    ]
    return graph(
        [*constants, *nodes], {"features": 3}, {"probabilities": 3}, trees=TREES, row=np.zeros((1, 3), np.float32)
    )


def recurrent() -> bytes:
    """hidden_out = tanh(features · CELLS + hidden), cell_out = cell + 1, probabilities = softmax(hidden_out · HEAD)."""
    nodes = [
        helper.make_node("MatMul", ["features", "cells"], ["x"]),
        helper.make_node("Add", ["x", "hidden"], ["s"]),
        helper.make_node("Tanh", ["s"], ["hidden_out"]),
        helper.make_node("Add", ["cell", "one"], ["cell_out"]),
        helper.make_node("MatMul", ["hidden_out", "head"], ["z"]),
        helper.make_node("Softmax", ["z"], ["probabilities"]),
    ]
    states = {"hidden": HIDDEN, "cell": HIDDEN}
    outputs = {"probabilities": 3, "hidden_out": HIDDEN, "cell_out": HIDDEN}
    one = np.ones((1, 1), np.float32)
    return graph(nodes, {"features": 3} | states, outputs, cells=CELLS, head=HEAD, one=one)


def policy(width: int = len(OBSERVATION), weights: Array = POLICY) -> bytes:
    """logits = observation · POLICY."""
    nodes = [helper.make_node("MatMul", ["observation", "weights"], ["logits"])]
    return graph(nodes, {"observation": width}, {"logits": weights.shape[1]}, weights=weights)


def softmax(z: Array) -> Array:
    e = np.exp(z - z.max())
    return np.asarray(e / e.sum(), np.float32)


def golden(count: int = 3) -> dict[str, Any]:
    """What the tiny graphs answer, by NumPy."""
    hidden = np.zeros(HIDDEN, np.float32)
    steps = []
    for number in range(count):
        features = np.array([0.1 + number, 0.2, -0.3 * number], np.float32)
        position, unrealized, holding = 0.5 * number - 0.5, 0.1, 0.25
        mask = [True, number != 1, True, number != 2, True, True]
        hidden = np.tanh(features @ CELLS + hidden)
        probabilities = {"xgboost": softmax(features @ TREES), "lstm": softmax(hidden @ HEAD)}
        scores = {name: float(p[2] - p[0]) for name, p in probabilities.items()}
        mean = (3 * scores["xgboost"] + scores["lstm"]) / 4
        row = [mean, *scores.values(), position, unrealized, holding, features[0], features[1]]
        logits = np.array(row, np.float32) @ POLICY
        action = ACTIONS[int(np.argmax(np.where(mask, logits, -np.inf)))]
        steps.append(
            {
                "features": features.tolist(),
                "position": position,
                "unrealized": unrealized,
                "holding": holding,
                "mask": mask,
                "probabilities": {name: p.tolist() for name, p in probabilities.items()},
                "logits": logits.tolist(),
                "action": action,
            }
        )
    return {"steps": steps}


def bundle(files: dict[str, Any] | None = None, **changes: Any) -> Bundle:
    """A bundle of the tiny graphs; `files` replaces some of them, `changes` some of the manifest."""
    content: dict[str, Any] = {
        "xgboost.onnx": stateless(),
        "lstm.onnx": recurrent(),
        "policy.onnx": policy(),
        "golden.json": golden(),
    } | (files or {})
    encoded = {name: data if isinstance(data, bytes) else json.dumps(data).encode() for name, data in content.items()}
    manifest = {
        "name": "tiny",
        "decisionInterval": "1s",
        "features": FEATURES,
        "featureSchema": schema_hash(FEATURES),
        "members": [
            {"name": "xgboost", "kind": "stateless", "file": "xgboost.onnx", "weight": 0.75},
            {"name": "lstm", "kind": "recurrent", "file": "lstm.onnx", "weight": 0.25, "hidden": HIDDEN},
        ],
        "quorum": 2,
        "policy": {"file": "policy.onnx", "observation": OBSERVATION},
        "golden": "golden.json",
        "lineage": {"seed": 7, "dataDigest": "d", "trainedThrough": "2024-08-08T00:00:00Z", "codeRevision": "r"},
    } | changes
    return read_bundle(write_bundle(encoded, Manifest.model_validate(manifest)), None)

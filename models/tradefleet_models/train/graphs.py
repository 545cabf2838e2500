"""ONNX graphs written node by node, from plain arrays.

Exporters of the frameworks put stack traces, paths and version strings into their files; these graphs hold only the
mathematics, so the same weights give the same bytes, and one node each does the work (LSTM, TreeEnsembleRegressor),
which is what a decision's latency is made of. Scaling is part of the graph: nothing outside can forget it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

_OPSET: Final = 17
_ML_OPSET: Final = 3
_IR: Final = 9
Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Scaling:
    """`clip((x - mean) / scale, -limit, limit)`; mean and scale have shape [width]."""

    mean: Floats
    scale: Floats
    limit: float

    @classmethod
    def of(cls, rows: NDArray[np.floating], limit: float) -> "Scaling":
        """Mean and standard deviation of `rows` [N, width]; a column that never varies is only centred."""
        spread = rows.std(axis=0, dtype=np.float64)
        return cls(
            rows.mean(axis=0, dtype=np.float64).astype(np.float32),
            np.where(spread > 1e-12, spread, 1.0).astype(np.float32),
            limit,
        )

    def __call__(self, rows: Floats) -> Floats:
        """The scaled rows, in float32 as the graph computes them."""
        scaled: Floats = np.clip((rows - self.mean) / self.scale, -self.limit, self.limit).astype(np.float32)
        return scaled


@dataclass(frozen=True, slots=True)
class TreeNodes:
    """Trees as parallel arrays, one entry a node; a leaf has `left` == -1 and its value in `threshold`."""

    tree: NDArray[np.int64]
    node: NDArray[np.int64]
    left: NDArray[np.int64]
    right: NDArray[np.int64]
    feature: NDArray[np.int64]
    threshold: Floats
    output: NDArray[np.int64]
    """Class that the node's tree adds to."""


@dataclass(frozen=True, slots=True)
class LstmWeights:
    """One layer and a linear head, in torch's layout: gates stacked as input, forget, cell, output."""

    weight_input: Floats  # [4H, F]
    weight_hidden: Floats  # [4H, H]
    bias: Floats  # [4H], the sum of torch's two
    head_weight: Floats  # [3, H]
    head_bias: Floats  # [3]


def trees(nodes: TreeNodes, width: int) -> bytes:
    """Gradient-boosted trees: `features[1,F] -> probabilities[1,3]`. A node goes left when x < threshold (float32)."""
    leaf = nodes.left < 0
    ensemble = helper.make_node(
        "TreeEnsembleRegressor",
        ["features"],
        ["margins"],
        domain="ai.onnx.ml",
        n_targets=3,
        aggregate_function="SUM",
        post_transform="NONE",
        nodes_treeids=nodes.tree.tolist(),
        nodes_nodeids=nodes.node.tolist(),
        nodes_modes=["LEAF" if is_leaf else "BRANCH_LT" for is_leaf in leaf],
        nodes_featureids=np.where(leaf, 0, nodes.feature).tolist(),
        nodes_values=np.where(leaf, np.float32(0), nodes.threshold).tolist(),
        nodes_truenodeids=np.where(leaf, 0, nodes.left).tolist(),
        nodes_falsenodeids=np.where(leaf, 0, nodes.right).tolist(),
        nodes_missing_value_tracks_true=[0] * len(leaf),
        target_treeids=nodes.tree[leaf].tolist(),
        target_nodeids=nodes.node[leaf].tolist(),
        target_ids=nodes.output[leaf].tolist(),
        target_weights=nodes.threshold[leaf].tolist(),
    )
    softmax = helper.make_node("Softmax", ["margins"], ["probabilities"], axis=1)
    return _model("trees", [ensemble, softmax], {"features": width}, {"probabilities": 3}, {})


def lstm(scaling: Scaling, weights: LstmWeights) -> bytes:
    """`features[1,F], hidden[1,H], cell[1,H] -> probabilities[1,3], hidden_out[1,H], cell_out[1,H]`, one step."""
    size = weights.weight_hidden.shape[1]
    order = np.concatenate(
        [np.arange(size) + gate * size for gate in (0, 3, 1, 2)]
    )  # ONNX: input, output, forget, cell
    constants = {
        "input_weight": weights.weight_input[order][None],
        "hidden_weight": weights.weight_hidden[order][None],
        "bias": np.concatenate([weights.bias[order], np.zeros(4 * size, np.float32)])[None],
        "head_weight": weights.head_weight,
        "head_bias": weights.head_bias,
        "axis": np.array([0], np.int64),
    }
    nodes = [
        *_scaled("features", "scaled", scaling, constants),
        helper.make_node("Unsqueeze", ["scaled", "axis"], ["sequence"]),
        helper.make_node("Unsqueeze", ["hidden", "axis"], ["hidden_in"]),
        helper.make_node("Unsqueeze", ["cell", "axis"], ["cell_in"]),
        helper.make_node(
            "LSTM",
            ["sequence", "input_weight", "hidden_weight", "bias", "", "hidden_in", "cell_in"],
            ["", "hidden_last", "cell_last"],
            hidden_size=size,
        ),
        helper.make_node("Squeeze", ["hidden_last", "axis"], ["hidden_out"]),
        helper.make_node("Squeeze", ["cell_last", "axis"], ["cell_out"]),
        helper.make_node("Gemm", ["hidden_out", "head_weight", "head_bias"], ["margins"], transB=1),
        helper.make_node("Softmax", ["margins"], ["probabilities"], axis=1),
    ]
    inputs = {"features": weights.weight_input.shape[1], "hidden": size, "cell": size}
    return _model("lstm", nodes, inputs, {"probabilities": 3, "hidden_out": size, "cell_out": size}, constants)


def perceptron(scaling: Scaling, layers: Sequence[tuple[Floats, Floats]]) -> bytes:
    """`observation[1,O] -> logits[1,A]`: linear layers (weight [out, in], bias [out]) with tanh between them."""
    constants: dict[str, NDArray[np.generic]] = {}
    nodes = _scaled("observation", "layer_0", scaling, constants)
    for index, (weight, bias) in enumerate(layers):
        constants[f"weight_{index}"], constants[f"bias_{index}"] = weight, bias
        last = index == len(layers) - 1
        out = "logits" if last else f"linear_{index}"
        nodes.append(helper.make_node("Gemm", [f"layer_{index}", f"weight_{index}", f"bias_{index}"], [out], transB=1))
        if not last:
            nodes.append(helper.make_node("Tanh", [out], [f"layer_{index + 1}"]))
    return _model("policy", nodes, {"observation": len(scaling.mean)}, {"logits": len(layers[-1][1])}, constants)


def _scaled(source: str, out: str, scaling: Scaling, constants: dict[str, NDArray[np.generic]]) -> list[onnx.NodeProto]:
    constants |= {
        "mean": scaling.mean,
        "scale": scaling.scale,
        "low": np.array(-scaling.limit, np.float32),
        "high": np.array(scaling.limit, np.float32),
    }
    return [
        helper.make_node("Sub", [source, "mean"], ["centred"]),
        helper.make_node("Div", ["centred", "scale"], ["standard"]),
        helper.make_node("Clip", ["standard", "low", "high"], [out]),
    ]


def _model(
    name: str,
    nodes: Sequence[onnx.NodeProto],
    inputs: dict[str, int],
    outputs: dict[str, int],
    constants: dict[str, NDArray[np.generic]],
) -> bytes:
    graph = helper.make_graph(
        list(nodes),
        name,
        [helper.make_tensor_value_info(item, TensorProto.FLOAT, [1, width]) for item, width in inputs.items()],
        [helper.make_tensor_value_info(item, TensorProto.FLOAT, [1, width]) for item, width in outputs.items()],
        [numpy_helper.from_array(np.ascontiguousarray(array), item) for item, array in constants.items()],
    )
    opsets = [helper.make_opsetid("", _OPSET), helper.make_opsetid("ai.onnx.ml", _ML_OPSET)]
    model = helper.make_model(graph, opset_imports=opsets, producer_name="tradefleet", ir_version=_IR)
    onnx.checker.check_model(model, full_check=True)
    data: bytes = model.SerializeToString(deterministic=True)
    return data

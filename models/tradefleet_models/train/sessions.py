"""The exported graphs under onnxruntime, as training needs them: parity, judgement and the golden vector."""

from collections.abc import Mapping

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from tradefleet_models.train.graphs import Floats


class Sessions:
    """The graphs `xgboost`, `lstm` and `policy`, one thread; `step` is one decision of the members."""

    def __init__(self, graphs: Mapping[str, bytes], hidden: int) -> None:
        self._sessions = {name: session(graph) for name, graph in graphs.items()}
        self._hidden = self._cell = np.zeros((1, hidden), np.float32)

    def step(self, features: Floats) -> dict[str, Floats]:
        """Probabilities [3] of each member for features [F]; the recurrent one moves on."""
        row = features[None]
        (trees,) = self._sessions["xgboost"].run(["probabilities"], {"features": row})
        lstm, self._hidden, self._cell = self._sessions["lstm"].run(
            ["probabilities", "hidden_out", "cell_out"], {"features": row, "hidden": self._hidden, "cell": self._cell}
        )
        return {"xgboost": trees[0], "lstm": lstm[0]}

    def logits(self, seen: Floats) -> Floats:
        """The policy's logits [6] for an observation [O]."""
        result: Floats = self._sessions["policy"].run(["logits"], {"observation": seen[None]})[0][0]
        return result


def session(graph: bytes) -> onnxruntime.InferenceSession:
    """One graph, one thread."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])


def best(logits: NDArray[np.floating], mask: tuple[bool, ...]) -> int:
    """Index of the largest logit that is allowed; the first wins a tie."""
    return int(np.where(mask, logits, -np.inf).argmax())

"""The bundle's ONNX graphs as functions with the signatures that the manifest promises, and nothing looser."""

from collections.abc import Mapping, Sequence
from math import isfinite
from typing import Any, Final

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from tradefleet_api.bundle import BundleError

CLASSES: Final = 3
"""Down, flat, up."""

SMALL: Final = 64
NOWHERE: Final = "/dev/null/tradefleet"
"""A folder that cannot exist."""

Array = NDArray[np.float32]


class Graph:
    """One session whose inputs and outputs were checked against the promised shapes."""

    def __init__(
        self, file: str, data: bytes, inputs: Mapping[str, tuple[int, int]], outputs: Mapping[str, tuple[int, int]]
    ) -> None:
        self.file = file
        self._session = _session(file, data)
        _same_signature(file, "input", self._session.get_inputs(), inputs)
        _same_signature(file, "output", self._session.get_outputs(), outputs)
        self._outputs = list(outputs)
        # Plain `run`: for tensors this small, bound buffers (run_with_iobinding) measured no faster.
        self._shapes = tuple(outputs.values())

    def __call__(self, feeds: Mapping[str, Array]) -> list[Array]:
        """The outputs, in the order promised. Raises ArithmeticError where one is not finite or has another shape."""
        results: list[Array] = self._session.run(self._outputs, dict(feeds))
        for name, result, shape in zip(self._outputs, results, self._shapes, strict=True):
            if result.shape != shape or not finite(result):
                raise ArithmeticError(f"{self.file}: {name} is not finite or not of shape {shape}")
        return results


def finite(values: Array) -> bool:
    """Whether all are; for the few values of these tensors Python is several times faster than a reduction."""
    return all(map(isfinite, values.ravel().tolist())) if values.size <= SMALL else bool(np.isfinite(values).all())


def _session(file: str, data: bytes) -> Any:
    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.execution_mode = ort.ExecutionMode.ORT_SEQUENTIAL
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.add_session_config_entry("session.inter_op.allow_spinning", "0")
    options.use_deterministic_compute = True
    options.enable_cpu_mem_arena = False  # these graphs need kilobytes, the arena grows by megabytes
    # A graph may name files for its weights, relative to here: a bundle is all there is, so here is nowhere.
    options.add_session_config_entry("session.model_external_initializers_file_folder_path", NOWHERE)
    options.log_severity_level = 3
    try:
        return ort.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    except Exception as error:
        raise BundleError(f"{file}: ONNX Runtime refuses it: {_first_line(error)}") from error


def _same_signature(file: str, what: str, nodes: Sequence[Any], promised: Mapping[str, tuple[int, int]]) -> None:
    found = {node.name: node for node in nodes}
    if found.keys() != promised.keys():
        raise BundleError(f"{file}: its {what}s are {sorted(found)}, not {sorted(promised)}")
    for name, shape in promised.items():
        node = found[name]
        fits = len(node.shape) == len(shape) and all(
            not isinstance(dimension, int) or dimension == size
            for dimension, size in zip(node.shape, shape, strict=True)
        )
        if node.type != "tensor(float)" or not fits:
            raise BundleError(f"{file}: {what} {name} is {node.type}{list(node.shape)}, not tensor(float){list(shape)}")


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]

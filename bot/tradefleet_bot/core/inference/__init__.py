"""Inference: a verified bundle as the engine's model; ONNX Runtime, one thread, deterministic.

    model = load(read_bundle(data, expected_sha256))       # BundleError: schema, graphs or golden vector are wrong
    state = model.for_symbol()                             # recurrent state of one symbol, zero at first
    decision = model.decide(state, vector, missing, view, mask)

A missing feature is HOLD and leaves the recurrent state as it is. A member that fails or gives something that is no
probability leaves the vote of this decision; below the manifest's quorum the decision is HOLD with `quorum_lost`.
"""

from tradefleet_bot.core.inference.load import load
from tradefleet_bot.core.inference.model import ModelState, OnnxModel

__all__ = ["ModelState", "OnnxModel", "load"]

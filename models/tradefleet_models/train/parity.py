"""The exported graphs must say what the trained models say; a bundle that fails here is never written."""

from collections.abc import Mapping
from typing import Final

import numpy as np
from sb3_contrib import MaskablePPO

from tradefleet_api.bundle import BundleError
from tradefleet_models.rules import Position
from tradefleet_models.train import policy
from tradefleet_models.train.environment import Tape, observation
from tradefleet_models.train.graphs import Floats
from tradefleet_models.train.members import Members
from tradefleet_models.train.sessions import Sessions

TOLERANCE: Final = 1e-5


def check(graphs: Mapping[str, bytes], fitted: Members, agent: MaskablePPO, features: Floats, tape: Tape) -> None:
    """Compare both on consecutive decisions [N, F] and their tape.

    Raises BundleError naming the graph and the largest difference.
    """
    sessions = Sessions(graphs, fitted.network.layer.hidden_size)
    expected = fitted.probabilities(features)
    stepped = [sessions.step(row) for row in features]
    for name, words in expected.items():
        _same(name, words, np.stack([each[name] for each in stepped]))
    positions = [Position(), Position(0.5, float(tape.bid[0]), 10), Position(-1.0, float(tape.ask[0]), 90)]
    seen = np.stack([observation(tape, index, positions[index % 3]) for index in range(len(tape))])
    _same("policy", policy.logits(agent, seen), np.stack([sessions.logits(row) for row in seen]))


def _same(name: str, trained: Floats, exported: Floats) -> None:
    difference = float(np.abs(trained - exported).max())
    if not difference <= TOLERANCE:  # a NaN is no parity either
        raise BundleError(f"the exported {name} differs from the trained one by {difference:.1e}")

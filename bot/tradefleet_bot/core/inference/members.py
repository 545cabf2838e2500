"""The ensemble's members: each turns a feature vector into probabilities of down, flat and up."""

from dataclasses import dataclass

import numpy as np

from tradefleet_api.bundle import Member, RecurrentMember
from tradefleet_bot.core.inference.graphs import CLASSES, Array, Graph

TOLERANCE = 1e-3
"""How far the sum of a member's probabilities may be from one (float32 softmax and averaged trees)."""


@dataclass(slots=True)
class Recurrent:
    """An LSTM's state, one step a decision; each (1, H), float32."""

    hidden: Array
    cell: Array


class Voter:
    """One member of the ensemble."""

    def __init__(self, member: Member, data: bytes, features: int) -> None:
        self.name = member.name
        self.weight = member.weight
        self.width = member.hidden if isinstance(member, RecurrentMember) else 0
        state = {"hidden": (1, self.width), "cell": (1, self.width)} if self.width else {}
        outputs = {"probabilities": (1, CLASSES)} | {f"{name}_out": shape for name, shape in state.items()}
        self._graph = Graph(member.file, data, {"features": (1, features)} | state, outputs)

    def start(self) -> Recurrent | None:
        """A zero state, or None where the member has none."""
        if not self.width:
            return None
        return Recurrent(np.zeros((1, self.width), np.float32), np.zeros((1, self.width), np.float32))

    def vote(self, features: Array, state: Recurrent | None) -> Array:
        """Probabilities (3,) for features (1, F); steps the state.

        Raises ArithmeticError, with the state as it was, for anything that is not a distribution.
        """
        feeds = {"features": features}
        if state is not None:
            feeds |= {"hidden": state.hidden, "cell": state.cell}
        results = self._graph(feeds)
        probabilities: Array = results[0][0]
        values = probabilities.tolist()
        if min(values) < -TOLERANCE or abs(sum(values) - 1.0) > TOLERANCE:
            raise ArithmeticError(f"{self.name}: its output {values} is no distribution")
        if state is not None:
            state.hidden, state.cell = results[1], results[2]
        return probabilities

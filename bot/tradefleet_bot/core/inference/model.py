"""The engine's model on ONNX: the members vote, the policy chooses among the allowed actions."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite

import numpy as np
from numpy.typing import NDArray

from tradefleet_api.bundle import Bundle
from tradefleet_bot.core.decision import ACTIONS, Decision, Mask, PortfolioView
from tradefleet_bot.core.inference.graphs import Array, Graph, finite
from tradefleet_bot.core.inference.members import Recurrent, Voter

HOLD = ACTIONS[0]


@dataclass(slots=True)
class ModelState:
    """What a model carries from decision to decision of one symbol; belongs to the model."""

    members: dict[str, Recurrent | None]
    """The recurrent state by member."""
    lost: dict[str, int]
    """How many decisions in a row each member has not voted; 0 is healthy."""


@dataclass(frozen=True, slots=True)
class Step:
    """All that one decision went through; the golden vector is compared with it."""

    decision: Decision
    probabilities: Mapping[str, Array]
    logits: Array | None


class OnnxModel:
    """A bundle that `load` verified."""

    def __init__(self, bundle: Bundle) -> None:
        manifest = bundle.manifest
        self.features = manifest.features
        self.digest = bundle.digest
        self.quorum = manifest.quorum
        self._voters = [Voter(m, bundle.files[m.file], len(self.features)) for m in manifest.members]
        self._observation = manifest.policy.observation
        file = manifest.policy.file
        self._policy = Graph(
            file, bundle.files[file], {"observation": (1, len(self._observation))}, {"logits": (1, len(ACTIONS))}
        )
        self._volatility = next((i for i, name in enumerate(self.features) if name.startswith("volatility_")), None)
        self._spread = self.features.index("spread") if "spread" in self.features else None
        self._input = np.zeros((1, len(self.features)), np.float32)

    def for_symbol(self) -> ModelState:
        """A fresh state: zero, as at the start of training's sequences."""
        return ModelState({voter.name: voter.start() for voter in self._voters}, {v.name: 0 for v in self._voters})

    def decide(
        self, state: ModelState, vector: NDArray[np.float32], missing: tuple[str, ...], view: PortfolioView, mask: Mask
    ) -> Decision:
        """One decision; see the package's docstring for what missing inputs and failing members do."""
        return self.step(state, vector, missing, view, mask).decision

    def step(
        self, state: ModelState, vector: NDArray[np.float32], missing: tuple[str, ...], view: PortfolioView, mask: Mask
    ) -> Step:
        """`decide`, with what it went through."""
        if missing:
            return _hold(f"missing: {', '.join(missing)}")
        self._input[0] = vector
        if not finite(self._input):
            broken = [name for name, value in zip(self.features, vector, strict=True) if not np.isfinite(value)]
            return _hold(f"not finite: {', '.join(broken)}")
        votes, lost = self._vote(state)
        scores = {name: float(p[2] - p[0]) for name, p in votes.items()}
        if len(votes) < self.quorum:
            reason = (
                f"{len(votes)} of {len(self._voters)} members voted, the quorum is {self.quorum}: {'; '.join(lost)}"
            )
            return Step(Decision(HOLD, None, scores, reason, quorum_lost=True), votes, None)
        weights = {voter.name: voter.weight for voter in self._voters if voter.name in scores}
        score = sum(weights[name] * scores[name] for name in weights) / sum(weights.values())
        observation = self._observe(score, scores, view)
        absent = [name for name, value in observation.items() if value is None or not isfinite(value)]
        if absent:
            return _hold(f"missing: {', '.join(absent)}", score, scores, votes)
        row = np.array([list(observation.values())], np.float32)
        try:
            logits = self._policy({"observation": row})[0][0]
        except Exception as error:  # noqa: BLE001 - the runtime raises its own unrelated types; without a policy, HOLD
            return _hold(f"the policy failed: {error}", score, scores, votes)
        allowed = [i for i, ok in enumerate(mask) if ok or i == 0]
        values = logits.tolist()
        action = ACTIONS[max(allowed, key=values.__getitem__)]  # the first of equals
        parts = ", ".join(f"{name} {value:+.2f}" for name, value in scores.items())
        wanted = ACTIONS[values.index(max(values))]
        notes = ([f"{wanted} is not allowed now"] if wanted != action else []) + lost
        reason = f"score {score:+.2f} from {parts}; policy {action}" + (f" ({'; '.join(notes)})" if notes else "")
        return Step(Decision(action, score, scores, reason), votes, logits)

    def _vote(self, state: ModelState) -> tuple[dict[str, Array], list[str]]:
        votes: dict[str, Array] = {}
        lost: list[str] = []
        for voter in self._voters:
            try:
                votes[voter.name] = voter.vote(self._input, state.members[voter.name])
            except Exception as error:  # noqa: BLE001 - whatever a member dies of, the others still vote; it is reported
                state.lost[voter.name] += 1
                why = (str(error).splitlines() or [type(error).__name__])[0]
                lost.append(f"{voter.name} left the vote, {state.lost[voter.name]} in a row: {why}")
            else:
                state.lost[voter.name] = 0
        return votes, lost

    def _observe(self, score: float, scores: Mapping[str, float], view: PortfolioView) -> dict[str, float | None]:
        known: dict[str, float | None] = {
            "score": score,
            "position": view.position,
            "unrealized": view.unrealized,
            "holding": view.holding,
            "volatility": None if self._volatility is None else float(self._input[0, self._volatility]),
            "spread": None if self._spread is None else float(self._input[0, self._spread]),
        }
        return {name: known[name] if name in known else scores.get(name) for name in self._observation}


def _hold(
    reason: str,
    score: float | None = None,
    scores: Mapping[str, float] | None = None,
    votes: Mapping[str, Array] | None = None,
) -> Step:
    return Step(Decision(HOLD, score, dict(scores or {}), reason), votes or {}, None)

"""How good a model's scores were on data it had not seen: the same figures for training's manifest and `evaluate`."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tradefleet_models.estimates import Estimate, accuracy_gain, rank_correlation
from tradefleet_models.labels import UNKNOWN

BLOCK_HORIZONS: Final = 3
"""Length of the bootstrap's blocks in label horizons: labels overlap for one, scores remember a little longer."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """Score quality over `decisions` labelled decisions."""

    decisions: int
    accuracy: float
    base_rate: float
    """Share of the most frequent class: the accuracy of knowing nothing."""
    gain: Estimate
    """Accuracy minus base rate."""
    correlation: Estimate
    """Spearman's, of score and return over the label horizon."""

    def metrics(self, prefix: str) -> dict[str, float]:
        """Flat, for a manifest."""
        return {
            f"{prefix}_decisions": float(self.decisions),
            f"{prefix}_accuracy": round(self.accuracy, 5),
            f"{prefix}_base_rate": round(self.base_rate, 5),
            **{f"{prefix}_accuracy_gain{end}": value for end, value in _bounds(self.gain)},
            **{f"{prefix}_rank_correlation{end}": value for end, value in _bounds(self.correlation)},
        }


def judge(
    probabilities: NDArray[np.floating],
    mid: NDArray[np.float64],
    labels: NDArray[np.int8],
    horizon: int,
    seed: int = 0,
) -> Judgement:
    """Judge probabilities [N, 3] (down, flat, up) of consecutive decisions at mid prices [N] against labels [N].

    Decisions whose label or forward return lies beyond the data do not count. Raises ValueError for too little data.
    """
    count = max(0, len(mid) - horizon)
    known = labels[:count] != UNKNOWN
    truth, words = labels[:count][known], probabilities[:count][known]
    ahead = (np.log(mid[horizon:]) - np.log(mid[:count]))[known]
    block = BLOCK_HORIZONS * horizon
    if len(truth) < 2 * block:
        raise ValueError(f"{len(truth)} labelled decisions are too few to judge: {2 * block} are needed")
    guess = words.argmax(axis=1).astype(np.int8)
    return Judgement(
        decisions=len(truth),
        accuracy=float((guess == truth).mean()),
        base_rate=float(np.bincount(truth).max() / len(truth)),
        gain=accuracy_gain(guess, truth, block, seed),
        correlation=rank_correlation(words[:, 2] - words[:, 0], ahead, block, seed),
    )


def _bounds(estimate: Estimate) -> list[tuple[str, float]]:
    value = estimate.to_json()
    return [("", value["value"]), ("_low", value["low"]), ("_high", value["high"])]

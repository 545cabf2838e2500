"""How good scores are, with honest intervals: labels overlap, so the bootstrap draws blocks and not rows."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

_CONFIDENCE: Final = 0.95


@dataclass(frozen=True, slots=True)
class Estimate:
    """A statistic with the bounds of its 95 % confidence interval."""

    value: float
    low: float
    high: float

    def to_json(self) -> dict[str, float]:
        """Rounded for people; five decimals are more than the data know."""
        return {"value": round(self.value, 5), "low": round(self.low, 5), "high": round(self.high, 5)}


def block_bootstrap(
    statistic: Callable[[NDArray[np.int64]], float], count: int, block: int, seed: int, resamples: int = 1000
) -> Estimate:
    """Percentile interval by the circular block bootstrap (Politis and Romano, 1992).

    `statistic` maps row indices to a number; rows of one block of `block` consecutive rows stay together.
    Raises ValueError where there are fewer than two blocks of data.
    """
    if count < 2 * block:
        raise ValueError(f"{count} rows are too few for a confidence interval with blocks of {block}")
    draw = np.random.default_rng(seed)
    offsets = np.arange(block)
    values = np.empty(resamples)
    for index in range(resamples):
        starts = draw.integers(0, count, -(-count // block))
        values[index] = statistic(((starts[:, None] + offsets) % count).ravel()[:count])
    tail = (1 - _CONFIDENCE) / 2
    low, high = np.quantile(values, [tail, 1 - tail])
    return Estimate(statistic(np.arange(count)), float(low), float(high))


def ranks(values: NDArray[np.floating]) -> NDArray[np.float64]:
    """Ranks from 0, ties sharing their mean.

    >>> ranks(np.array([3.0, 1.0, 3.0]))
    array([1.5, 0. , 1.5])
    """
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    result: NDArray[np.float64] = (np.cumsum(counts) - (counts + 1) / 2)[inverse]
    return result


def correlation(left: NDArray[np.floating], right: NDArray[np.floating]) -> float:
    """Pearson's correlation; 0 where either side is constant (there is no relation to speak of)."""
    left, right = left - left.mean(), right - right.mean()
    scale = float(np.sqrt((left @ left) * (right @ right)))
    return float(left @ right) / scale if scale > 0 else 0.0


def rank_correlation(score: NDArray[np.floating], outcome: NDArray[np.floating], block: int, seed: int) -> Estimate:
    """Spearman's rank correlation; ranks are those of the whole sample, in resamples too."""
    left, right = ranks(score), ranks(outcome)
    return block_bootstrap(lambda rows: correlation(left[rows], right[rows]), len(left), block, seed)


def accuracy_gain(guess: NDArray[np.int8], truth: NDArray[np.int8], block: int, seed: int) -> Estimate:
    """Accuracy minus that of always naming the most frequent class of `truth`: above 0 beats knowing nothing."""
    right = (guess == truth).astype(np.float64) - (truth == np.bincount(truth).argmax())
    return block_bootstrap(lambda rows: float(right[rows].mean()), len(right), block, seed)

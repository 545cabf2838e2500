"""What the members learn to predict: which of three barriers the price meets first.

Triple-barrier method (Lopez de Prado, Advances in Financial Machine Learning, 2018, chapter 3), on the mid price at
decision times: what happens between two decisions is nothing the bot could act on.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

DOWN: Final = 0
FLAT: Final = 1
UP: Final = 2
UNKNOWN: Final = -1


@dataclass(frozen=True, slots=True)
class Labels:
    """`label[i]` is DOWN, FLAT, UP, or UNKNOWN where the data ends too early; decision `end[i]` settled it."""

    label: NDArray[np.int8]
    end: NDArray[np.int64]

    def rows(self, begin: int, end: int) -> "Labels":
        """Decisions `begin` to `end`; `end` counts from `begin` then."""
        return Labels(self.label[begin:end], self.end[begin:end] - begin)


def volatility(mid: NDArray[np.float64], window: int) -> NDArray[np.float64]:
    """Standard deviation of one-decision log returns over the last `window` returns (root mean square, zero mean).

    Known at decision i from prices up to i; fewer returns than `window` are used at the beginning; 0 at i = 0.
    """
    squares = np.concatenate([[0.0], np.cumsum(np.diff(np.log(mid)) ** 2)])
    index = np.arange(len(mid))
    first = np.maximum(index - window, 0)
    count = np.maximum(index - first, 1)
    result: NDArray[np.float64] = np.sqrt((squares[index] - squares[first]) / count)
    return result


def triple_barrier(
    mid: NDArray[np.float64], horizon: int, width: float, window: int = 120, floor: float = 2e-5
) -> Labels:
    """Labels of every decision of one unbroken stretch of data.

    The barriers stand at ± max(floor, width x volatility x sqrt(horizon)) of log return, volatility being that of the
    last `window` decisions; the third barrier is `horizon` decisions ahead and means FLAT.
    """
    log = np.log(mid)
    barrier = np.maximum(floor, width * np.sqrt(horizon) * volatility(mid, window))
    count = len(mid)
    label = np.full(count, UNKNOWN, np.int8)
    end = np.full(count, count, np.int64)
    for ahead in range(1, min(horizon, count - 1) + 1):  # a vector step a decision ahead, not a loop over decisions
        move = log[ahead:] - log[:-ahead]
        open_, limit = label[:-ahead] == UNKNOWN, barrier[:-ahead]
        for hit, value in ((move >= limit, UP), (move <= -limit, DOWN)):
            first = np.flatnonzero(open_ & hit)
            label[first], end[first] = value, first + ahead
    expired = np.flatnonzero(label[: max(count - horizon, 0)] == UNKNOWN)
    label[expired], end[expired] = FLAT, expired + horizon
    return Labels(label, end)

"""Splits that keep the future out of the past: walk-forward, purged and embargoed.

A label looks ahead; a training row whose label was settled inside the test stretch (or within the embargo before it)
has seen the test, and is dropped (Lopez de Prado 2018, chapter 7). Walk-forward: tests lie after their training.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Fold:
    """Row indices of one fold, each ascending."""

    train: NDArray[np.int64]
    test: NDArray[np.int64]


def walk_forward(end: NDArray[np.int64], folds: int, embargo: int) -> Iterator[Fold]:
    """`folds` tests of equal length over the later part of the rows, each trained on all that was settled before it.

    `end[i]` is the row that settled label i; `embargo` is in rows. Raises ValueError where there are too few rows.
    """
    count = len(end)
    edges = np.linspace(0, count, folds + 2).astype(np.int64)[1:]
    for begin, stop in pairwise(edges):
        train = before(end, int(begin), embargo)
        if len(train) == 0 or begin == stop:
            raise ValueError(f"{count} rows are too few for {folds} folds with an embargo of {embargo}")
        yield Fold(train, np.arange(begin, stop))


def before(end: NDArray[np.int64], begin: int, embargo: int) -> NDArray[np.int64]:
    """Rows whose label was settled more than `embargo` rows before row `begin`.

    >>> before(np.array([2, 3, 4, 5, 6]), 4, 1)
    array([0])
    """
    return np.flatnonzero(end[:begin] + embargo < begin)

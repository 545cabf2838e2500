"""Labels against a reading of the definition that walks each path step by step."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradefleet_models.labels import DOWN, FLAT, UNKNOWN, UP, triple_barrier, volatility

MOVES = st.lists(st.sampled_from([-3.0, -1.0, -0.4, 0.0, 0.4, 1.0, 3.0]), min_size=1, max_size=80)


def _mid(moves: list[float]) -> np.ndarray:
    return 100 * np.exp(np.cumsum([0.0, *moves]) * 1e-4)


@given(MOVES, st.integers(1, 12), st.sampled_from([0.3, 1.0, 2.0]))
def test_labels_are_those_of_walking_the_path(moves: list[float], horizon: int, width: float) -> None:
    mid = _mid(moves)
    sigma = volatility(mid, 120)
    found = triple_barrier(mid, horizon, width)
    for start in range(len(mid)):
        barrier = max(2e-5, width * math.sqrt(horizon) * sigma[start])
        label, end = UNKNOWN, len(mid)
        for ahead in range(1, horizon + 1):
            if start + ahead >= len(mid):
                break
            move = np.log(mid)[start + ahead] - np.log(mid)[start]
            if abs(move) >= barrier:
                label, end = (UP if move > 0 else DOWN), start + ahead
                break
            if ahead == horizon:
                label, end = FLAT, start + ahead
        assert (found.label[start], found.end[start]) == (label, end), start


@given(MOVES)
def test_a_label_never_looks_beyond_its_end(moves: list[float]) -> None:
    mid = _mid(moves)
    whole = triple_barrier(mid, 5, 0.5)
    for cut in range(1, len(mid)):
        part = triple_barrier(mid[:cut], 5, 0.5)
        settled = whole.end[:cut] < cut
        assert (part.label[settled] == whole.label[:cut][settled]).all()
        assert (part.label[~settled] == UNKNOWN).all()


def test_volatility_is_the_root_mean_square_of_the_last_returns() -> None:
    mid = _mid([1.0, -2.0, 3.0, 0.0])
    found = volatility(mid, 2)
    expected = [0.0, 1.0, math.sqrt(5 / 2), math.sqrt(13 / 2), math.sqrt(9 / 2)]
    assert found == pytest.approx(np.array(expected) * 1e-4)

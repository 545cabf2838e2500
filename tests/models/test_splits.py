"""No fold may train on what its test will show."""

from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradefleet_models.train.splits import walk_forward


@given(st.integers(150, 300), st.integers(1, 5), st.integers(0, 8), st.integers(1, 9), st.randoms())
def test_training_rows_are_settled_before_the_test_and_its_embargo(
    count: int, folds: int, embargo: int, horizon: int, random: Random
) -> None:
    end = np.array([row + random.randint(1, horizon) for row in range(count)])
    seen: list[int] = []
    for fold in walk_forward(end, folds, embargo):
        begin = int(fold.test[0])
        assert (fold.train < begin).all()
        assert (end[fold.train] + embargo < begin).all()
        assert set(range(begin - horizon - embargo - 1)) <= set(fold.train.tolist())
        seen += fold.test.tolist()
    assert seen == list(range(seen[0], count))


def test_too_few_rows_are_refused() -> None:
    with pytest.raises(ValueError, match="too few"):
        list(walk_forward(np.arange(1, 9), 3, 10))

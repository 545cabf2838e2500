"""Statistics against scipy's, and the bootstrap's promise: intervals that hold the truth about as often as they say."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from tradefleet_models.estimates import accuracy_gain, block_bootstrap, rank_correlation, ranks

stats = pytest.importorskip("scipy.stats", reason="scipy comes with the train extra")


@given(arrays(np.float64, st.integers(1, 40), elements=st.sampled_from([-1.0, 0.0, 0.5, 2.0, 7.0])))
def test_ranks_are_scipy_s(values: np.ndarray) -> None:
    assert ranks(values) == pytest.approx(stats.rankdata(values) - 1)


def test_rank_correlation_is_spearman_s() -> None:
    draw = np.random.default_rng(1)
    left = draw.standard_normal(200)
    right = np.exp(left + draw.standard_normal(200))
    found = rank_correlation(left, right, 5, 0)
    assert found.value == pytest.approx(stats.spearmanr(left, right).statistic)
    assert found.low < found.value < found.high


def test_intervals_of_dependent_data_hold_the_truth_where_blocks_are_long_enough() -> None:
    """Mean of an autoregressive series: about 95 % of intervals hold it with blocks, far fewer with single rows."""
    draw = np.random.default_rng(2)
    held = {1: 0, 30: 0}
    for _ in range(80):
        noise = draw.standard_normal(600)
        series = np.empty(600)
        level = 0.0
        for index, step in enumerate(noise):
            level = 0.9 * level + step
            series[index] = level
        for block in held:
            found = block_bootstrap(lambda rows, s=series: float(s[rows].mean()), 600, block, 3, resamples=200)
            held[block] += found.low <= 0 <= found.high
    assert held[30] > 64
    assert held[1] < 48


def test_gain_is_zero_for_always_naming_the_most_frequent_class() -> None:
    truth = np.array([0, 1, 1, 2] * 30, np.int8)
    assert accuracy_gain(np.ones_like(truth), truth, 4, 0).value == 0
    assert accuracy_gain(truth, truth, 4, 0).value == pytest.approx(0.5)


def test_less_than_two_blocks_is_refused() -> None:
    with pytest.raises(ValueError, match="too few"):
        block_bootstrap(lambda rows: float(len(rows)), 9, 5, 0)

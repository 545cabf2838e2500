"""Exported graphs say what the trained models say, for inputs inside and far outside the training data."""

from pathlib import Path

import numpy as np
import pytest
import torch

from tradefleet_models.labels import UNKNOWN
from tradefleet_models.train import graphs, lstm, trees
from tradefleet_models.train.config import Lstm, Trees
from tradefleet_models.train.graphs import Floats, Scaling
from tradefleet_models.train.lstm import Stretch
from tradefleet_models.train.sessions import session

pytestmark = pytest.mark.train
WIDTH = 5


def _rows(seed: int, count: int = 400) -> Floats:
    """Features of very different scales, one of them constant."""
    rows = np.random.default_rng(seed).standard_normal((count, WIDTH)) * np.array([1e-6, 1.0, 50.0, 1e4, 0.0])
    return (rows + np.array([0.0, 3.0, 0.0, 6e4, 7.0])).astype(np.float32)


def _labels(rows: Floats) -> np.ndarray:
    return (np.digitize(rows[:, 1] + rows[:, 2] / 50, [2.0, 4.0])).astype(np.int8)


@pytest.mark.parametrize("seed", range(3))
def test_trees(seed: int) -> None:
    rows = _rows(seed)
    booster = trees.fit(rows, _labels(rows), Trees(rounds=7, depth=3, min_child_weight=2), seed)
    exported = session(trees.graph(booster))
    thresholds = np.repeat(rows[:50], 2, axis=0)
    thresholds[1::2] = np.nextafter(thresholds[1::2], np.float32(np.inf))  # a float32 apart, as split conditions are
    for tested in (rows, _rows(seed + 100) * 30, thresholds):
        expected = trees.probabilities(booster, tested)
        found = np.concatenate([exported.run(None, {"features": row[None]})[0] for row in tested])
        assert np.abs(found - expected).max() < 1e-6
    assert len(np.unique(expected, axis=0)) > 3


@pytest.mark.parametrize("seed", range(3))
def test_lstm_step_by_step_is_the_whole_sequence(seed: int) -> None:
    torch.set_num_threads(1)
    rows = _rows(seed)
    scaling = Scaling.of(rows, 5.0)
    labels = _labels(rows)
    labels[::7] = UNKNOWN
    network = lstm.fit([Stretch(rows, labels)], scaling, Lstm(hidden=6, epochs=2, streams=3, steps=25), seed)
    exported = session(lstm.graph(network, scaling))
    for tested in (rows, _rows(seed + 100) * 30):
        expected = lstm.probabilities(network, scaling, tested)
        hidden = cell = np.zeros((1, 6), np.float32)
        for row, wanted in zip(tested, expected, strict=True):
            found, hidden, cell = exported.run(None, {"features": row[None], "hidden": hidden, "cell": cell})
            assert np.abs(found[0] - wanted).max() < 2e-6
    assert np.ptp(expected) > 0.1


def test_lstm_learns_what_only_memory_can_know() -> None:
    """The label is the sign of a feature two decisions ago: without memory half of the guesses are wrong."""
    torch.set_num_threads(1)
    draw = np.random.default_rng(0)
    rows = draw.standard_normal((3000, 2)).astype(np.float32)
    labels = np.full(3000, UNKNOWN, np.int8)
    labels[2:] = np.where(rows[:-2, 0] > 0, 2, 0)
    scaling = Scaling.of(rows, 5.0)
    network = lstm.fit(
        [Stretch(rows[:2500], labels[:2500])], scaling, Lstm(hidden=8, epochs=20, steps=20, learning_rate=0.02), 1
    )
    guess = lstm.probabilities(network, scaling, rows)[2500:].argmax(axis=1)
    assert (guess == labels[2500:]).mean() > 0.9


def test_perceptron_scales_and_clips_inside_the_graph() -> None:
    draw = np.random.default_rng(3)
    layers = [
        (draw.standard_normal(shape).astype(np.float32), draw.standard_normal(shape[0]).astype(np.float32))
        for shape in ((7, WIDTH), (4, 7), (6, 4))
    ]
    rows = _rows(4)
    scaling = Scaling.of(rows, 2.0)
    exported = session(graphs.perceptron(scaling, layers))
    for row in rows * np.float32(3):
        value = np.clip((row - scaling.mean) / scaling.scale, -2, 2)
        for index, (weight, bias) in enumerate(layers):
            value = weight @ value + bias
            value = value if index == len(layers) - 1 else np.tanh(value)
        assert exported.run(None, {"observation": row[None]})[0][0] == pytest.approx(value, abs=1e-4)


def test_the_same_weights_give_the_same_bytes_without_a_trace_of_this_machine() -> None:
    rows = _rows(0)
    made = [trees.graph(trees.fit(rows, _labels(rows), Trees(rounds=2), 0)) for _ in range(2)]
    assert made[0] == made[1]
    for trace in (str(Path.cwd()), "site-packages", ".py"):
        assert trace.encode() not in made[0]

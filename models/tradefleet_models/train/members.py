"""The two members together: fitted on the past, asked about what comes after, always in the order of time."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import xgboost
from numpy.typing import NDArray

from tradefleet_models.labels import DOWN, UNKNOWN, UP, Labels, triple_barrier
from tradefleet_models.market import Market
from tradefleet_models.train import lstm, trees
from tradefleet_models.train.config import TrainConfig
from tradefleet_models.train.graphs import Floats, Scaling
from tradefleet_models.train.lstm import Network, Stretch

_LIMIT = 5.0


@dataclass(frozen=True, slots=True)
class Run:
    """One unbroken run of decisions with its labels."""

    market: Market
    labels: Labels

    def __len__(self) -> int:
        return len(self.market)


@dataclass(frozen=True, slots=True)
class Members:
    """Fitted members, and the scaling that the recurrent one needs."""

    booster: xgboost.Booster
    network: Network
    scaling: Scaling

    def probabilities(self, features: Floats) -> dict[str, Floats]:
        """Each member's word on consecutive decisions [N, F]: [N, 3]."""
        return {
            "xgboost": trees.probabilities(self.booster, features),
            "lstm": lstm.probabilities(self.network, self.scaling, features),
        }

    def graphs(self) -> dict[str, bytes]:
        """Each member as ONNX."""
        return {"xgboost": trees.graph(self.booster), "lstm": lstm.graph(self.network, self.scaling)}


def labelled(markets: Sequence[Market], config: TrainConfig) -> list[Run]:
    """Every market with its labels."""
    target = config.target
    return [Run(market, triple_barrier(market.mid, target.horizon, target.width)) for market in markets]


def fit(runs: Sequence[Run], rows: Sequence[NDArray[np.int64]], config: TrainConfig) -> Members:
    """Members fitted on the named rows of each run; the recurrent one also walks through the rows between them."""
    features = np.concatenate([run.market.features[chosen] for run, chosen in zip(runs, rows, strict=True)])
    labels = np.concatenate([run.labels.label[chosen] for run, chosen in zip(runs, rows, strict=True)])
    known = labels != UNKNOWN
    seen, told = features[known], labels[known]
    stretches = [_stretch(run, chosen) for run, chosen in zip(runs, rows, strict=True) if len(chosen)]
    if config.odd:
        seen, told = np.concatenate([seen, mirrored(seen, config)]), np.concatenate([told, DOWN + UP - told])
        stretches += [_mirror_image(stretch, config) for stretch in stretches]
        features = seen
    booster = trees.fit(seen, told, config.trees, config.seed)
    scaling = Scaling.of(features, _LIMIT)
    return Members(booster, lstm.fit(stretches, scaling, config.lstm, config.seed), scaling)


def ensemble(probabilities: dict[str, Floats], config: TrainConfig) -> Floats:
    """Weighted mean of the members' probabilities, [N, 3]."""
    weights = {"xgboost": config.trees.weight, "lstm": config.lstm.weight}
    total = sum(weights.values())
    mean = sum(weights[name] / total * values.astype(np.float64) for name, values in probabilities.items())
    return np.asarray(mean, np.float32)


def scores(probabilities: dict[str, Floats], config: TrainConfig) -> Floats:
    """The policy's view of them: the ensemble's score, then each member's, [N, 1 + members]."""
    columns = [ensemble(probabilities, config), *probabilities.values()]
    return np.stack([values[:, 2] - values[:, 0] for values in columns], axis=1).astype(np.float32)


def mirrored(features: Floats, config: TrainConfig) -> Floats:
    """The features of the same market with up and down exchanged."""
    signs = np.array([-1 if name in config.odd else 1 for name in config.features], np.float32)
    return features * signs


def _mirror_image(stretch: Stretch, config: TrainConfig) -> Stretch:
    labels = np.where(stretch.labels == UNKNOWN, np.int8(UNKNOWN), np.int8(DOWN + UP) - stretch.labels)
    return Stretch(mirrored(stretch.features, config), labels)


def _stretch(run: Run, chosen: NDArray[np.int64]) -> Stretch:
    end = int(chosen[-1]) + 1
    labels = np.full(end, UNKNOWN, np.int8)
    labels[chosen] = run.labels.label[chosen]
    return Stretch(run.market.features[:end], labels)

"""The gradient-boosted member: a few shallow trees."""

import json
from typing import Any

import numpy as np
import xgboost
from numpy.typing import NDArray

from tradefleet_models.train import graphs
from tradefleet_models.train.config import Trees
from tradefleet_models.train.graphs import Floats, TreeNodes


def fit(features: Floats, labels: NDArray[np.int8], settings: Trees, seed: int) -> xgboost.Booster:
    """Three-class softmax boosting on `features` [N, F] and labels 0..2; one thread, so that it repeats exactly."""
    parameters: dict[str, Any] = {
        "objective": "multi:softprob",
        "num_class": 3,
        "base_score": 0.5,  # the same for every class, so it cancels in the softmax
        "max_depth": settings.depth,
        "eta": settings.learning_rate,
        "min_child_weight": settings.min_child_weight,
        "subsample": settings.subsample,
        "colsample_bytree": settings.columns,
        "lambda": settings.l2,
        "tree_method": "hist",
        "nthread": 1,
        "seed": seed,
    }
    data = xgboost.DMatrix(features, label=labels, nthread=1)
    return xgboost.train(parameters, data, num_boost_round=settings.rounds)


def probabilities(booster: xgboost.Booster, features: Floats) -> Floats:
    """What the trees say of every row, [N, 3] (down, flat, up)."""
    result: Floats = booster.predict(xgboost.DMatrix(features, nthread=1))
    return result


def graph(booster: xgboost.Booster) -> bytes:
    """The booster as ONNX."""
    learner = json.loads(booster.save_raw("json"))["learner"]
    model = learner["gradient_booster"]["model"]
    parts: list[TreeNodes] = []
    for index, (tree, output) in enumerate(zip(model["trees"], model["tree_info"], strict=True)):
        left = np.array(tree["left_children"], np.int64)
        count = len(left)
        parts.append(
            TreeNodes(
                tree=np.full(count, index, np.int64),
                node=np.arange(count),
                left=left,
                right=np.array(tree["right_children"], np.int64),
                feature=np.array(tree["split_indices"], np.int64),
                threshold=np.array(tree["split_conditions"], np.float32),  # at a leaf: its value
                output=np.full(count, output, np.int64),
            )
        )
    fields = [np.concatenate([getattr(part, name) for part in parts]) for name in TreeNodes.__slots__]
    return graphs.trees(TreeNodes(*fields), int(learner["learner_model_param"]["num_feature"]))

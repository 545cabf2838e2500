"""The bundles that ship with the repository, on a recording of the real market: they load, warm up and decide."""

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from bot.features.streams import RECORDINGS, SYMBOL, S, recording

from tradefleet_api.bundle import read_bundle
from tradefleet_bot.core.decision import Decision, PortfolioView
from tradefleet_bot.core.features import FeatureSet
from tradefleet_bot.core.inference import OnnxModel, load

ZOO = Path(__file__).parents[3] / "models/zoo"
INDEX: dict[str, str] = json.loads((ZOO / "index.json").read_text())
WARM_AFTER = 35 * S


def decisions(model: OnnxModel, events: list[Any]) -> list[tuple[int, Decision]]:
    """One decision each second of engine time, always flat, with the time since the first event."""
    features = FeatureSet(model.features, SYMBOL)
    state, vector = model.for_symbol(), np.empty(len(model.features), np.float32)
    made: list[tuple[int, Decision]] = []
    for before, event in pairwise(events):
        features.update(before)
        if event.at // S > before.at // S:
            at = event.at // S * S
            missing = features.vector(at, vector)
            made.append((at - events[0].at, model.decide(state, vector, missing, PortfolioView(), (True,) * 6)))
    return made


@pytest.mark.parametrize("name", INDEX)
def test_a_shipped_bundle_decides_on_the_real_market(name: str) -> None:
    model = load(read_bundle((ZOO / f"{name}.tar").read_bytes(), INDEX[name]))
    assert FeatureSet(model.features, SYMBOL).streams <= {"trade", "quote", "depth"}
    events = recording(next(iter(RECORDINGS)))
    events = [event for event in events if event.at < events[0].at + 90 * S]
    made = decisions(model, events)
    warm = [decision for age, decision in made if age > WARM_AFTER]
    assert len(warm) > 50
    assert [decision.reason for decision in warm if decision.score is None] == []
    assert made == decisions(model, events)

"""One decision: who votes, what the policy may choose, and what is said about it."""

from typing import Any

import numpy as np
import pytest
from bot.inference import tiny
from hypothesis import given, settings
from hypothesis import strategies as st

from tradefleet_bot.core.decision import ACTIONS, Mask, PortfolioView
from tradefleet_bot.core.inference import OnnxModel, load

FLAT = PortfolioView()
WEIGHTS = {"score": 0, "xgboost": 1, "lstm": 2}


def vector(*values: float) -> Any:
    return np.array(values, np.float32)


CALM = vector(0.1, 0.2, 0.3)
POISON = vector(-0.1, 0.2, 0.3)
"""The stateless member answers NaN."""


@pytest.fixture(scope="module")
def model() -> OnnxModel:
    return load(tiny.bundle())


@pytest.fixture(scope="module")
def lenient() -> OnnxModel:
    """Quorum 1, and a policy that looks at no single member."""
    seen = ("score", "position")
    weights = tiny.POLICY[:2]
    policy = {"file": "policy.onnx", "observation": seen}
    golden = tiny.golden()
    for step in golden["steps"]:
        scores = {name: p[2] - p[0] for name, p in step["probabilities"].items()}
        row = np.array([(3 * scores["xgboost"] + scores["lstm"]) / 4, step["position"]], np.float32)
        logits = row @ weights
        step["logits"] = logits.tolist()
        step["action"] = ACTIONS[int(np.argmax(np.where(step["mask"], logits, -np.inf)))]
    return load(tiny.bundle({"policy.onnx": tiny.policy(2, weights), "golden.json": golden}, quorum=1, policy=policy))


def test_a_missing_feature_is_hold_and_leaves_the_state(model: OnnxModel) -> None:
    state = model.for_symbol()
    decision = model.decide(state, vector(np.nan, 0.2, 0.3), ("volatility_5s",), FLAT, tiny.ALL)
    assert (decision.action, decision.score, decision.quorum_lost) == ("HOLD", None, False)
    assert decision.reason == "missing: volatility_5s"
    assert model.decide(state, CALM, (), FLAT, tiny.ALL) == model.decide(model.for_symbol(), CALM, (), FLAT, tiny.ALL)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_feature_that_is_not_finite_is_hold_even_if_nobody_named_it(model: OnnxModel, value: float) -> None:
    decision = model.decide(model.for_symbol(), vector(0.1, value, 0.3), (), FLAT, tiny.ALL)
    assert (decision.action, decision.reason) == ("HOLD", "not finite: spread")


def test_the_score_is_the_weighted_mean_and_the_reason_says_it(model: OnnxModel) -> None:
    decision = model.decide(model.for_symbol(), CALM, (), FLAT, tiny.ALL)
    trees = tiny.softmax(CALM @ tiny.TREES)
    cells = tiny.softmax(np.tanh(CALM @ tiny.CELLS) @ tiny.HEAD)
    xgboost, lstm = float(trees[2] - trees[0]), float(cells[2] - cells[0])
    assert decision.scores == pytest.approx({"xgboost": xgboost, "lstm": lstm}, abs=1e-6)
    assert decision.score == pytest.approx(0.75 * xgboost + 0.25 * lstm, abs=1e-6)
    score = f"score {decision.score:+.2f} from xgboost {xgboost:+.2f}, lstm {lstm:+.2f}"
    assert decision.reason == f"{score}; policy {decision.action}"


def test_the_state_is_carried(model: OnnxModel) -> None:
    state = model.for_symbol()
    first = model.decide(state, CALM, (), FLAT, tiny.ALL)
    second = model.decide(state, CALM, (), FLAT, tiny.ALL)
    fresh = model.decide(model.for_symbol(), CALM, (), FLAT, tiny.ALL)
    assert first == fresh
    assert second.scores["lstm"] != fresh.scores["lstm"]
    assert second.scores["xgboost"] == fresh.scores["xgboost"]


def test_symbols_do_not_share_a_state(model: OnnxModel) -> None:
    one, other = model.for_symbol(), model.for_symbol()
    for _ in range(3):
        model.decide(one, CALM, (), FLAT, tiny.ALL)
    assert model.decide(other, CALM, (), FLAT, tiny.ALL) == model.decide(model.for_symbol(), CALM, (), FLAT, tiny.ALL)


def test_a_member_that_gives_nan_leaves_the_vote(lenient: OnnxModel) -> None:
    state = lenient.for_symbol()
    decision = lenient.decide(state, POISON, (), FLAT, tiny.ALL)
    assert list(decision.scores) == ["lstm"]
    assert decision.score == decision.scores["lstm"]
    assert not decision.quorum_lost
    assert "xgboost left the vote, 1 in a row: " in decision.reason
    assert state.lost == {"xgboost": 1, "lstm": 0}
    assert "2 in a row" in lenient.decide(state, POISON, (), FLAT, tiny.ALL).reason
    assert "left the vote" not in lenient.decide(state, CALM, (), FLAT, tiny.ALL).reason
    assert state.lost == {"xgboost": 0, "lstm": 0}


def test_below_the_quorum_it_holds_and_says_so(model: OnnxModel) -> None:
    decision = model.decide(model.for_symbol(), POISON, (), FLAT, tiny.ALL)
    assert (decision.action, decision.score, decision.quorum_lost) == ("HOLD", None, True)
    assert decision.reason.startswith("1 of 2 members voted, the quorum is 2: xgboost left the vote")


def test_a_member_that_raises_leaves_the_vote() -> None:
    golden = tiny.golden(1)
    failing = load(tiny.bundle({"xgboost.onnx": tiny.failing(), "golden.json": golden}))
    assert not failing.decide(failing.for_symbol(), CALM, (), FLAT, tiny.ALL).quorum_lost
    decision = failing.decide(failing.for_symbol(), vector(1.5, 0.2, 0.3), (), FLAT, tiny.ALL)
    assert decision.quorum_lost
    assert "\n" not in decision.reason


def test_a_policy_that_wants_the_score_of_a_member_that_left_holds() -> None:
    decision = load(tiny.bundle(quorum=1)).decide(load(tiny.bundle()).for_symbol(), POISON, (), FLAT, tiny.ALL)
    assert (decision.action, decision.reason, decision.quorum_lost) == ("HOLD", "missing: xgboost", False)


def test_a_view_that_is_not_finite_holds(model: OnnxModel) -> None:
    view = PortfolioView(position=float("nan"))
    decision = model.decide(model.for_symbol(), CALM, (), view, tiny.ALL)
    assert (decision.action, decision.reason) == ("HOLD", "missing: position")


@settings(max_examples=60, deadline=None)
@given(mask=st.tuples(*[st.booleans()] * 6), view=st.builds(PortfolioView, *[st.floats(-1, 1, width=32)] * 3))
def test_the_best_allowed_action_wins(model: OnnxModel, mask: Mask, view: PortfolioView) -> None:
    step = model.step(model.for_symbol(), CALM, (), view, mask)
    assert step.logits is not None
    allowed = {
        name: float(x) for i, (name, x) in enumerate(zip(ACTIONS, step.logits, strict=True)) if mask[i] or i == 0
    }
    assert step.decision.action == max(allowed, key=lambda name: allowed[name])
    best = ACTIONS[int(np.argmax(step.logits))]
    assert (f"{best} is not allowed now" in step.decision.reason) == (best not in allowed)


def test_the_first_of_equal_actions_wins() -> None:
    zero = np.zeros_like(tiny.POLICY)
    golden = tiny.golden()
    for step in golden["steps"]:
        step["logits"], step["action"] = [0.0] * 6, "HOLD"
    equal = load(tiny.bundle({"policy.onnx": tiny.policy(weights=zero), "golden.json": golden}))
    assert equal.decide(equal.for_symbol(), CALM, (), FLAT, tiny.ALL).action == "HOLD"


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(*[st.floats(-2, 2, width=32)] * 3), min_size=1, max_size=10))
def test_the_same_inputs_give_the_same_decisions_bit_for_bit(steps: list[tuple[float, float, float]]) -> None:
    one, other = load(tiny.bundle()), load(tiny.bundle())
    states = one.for_symbol(), other.for_symbol()
    for step in steps:
        first = one.step(states[0], vector(*step), (), FLAT, tiny.ALL)
        second = other.step(states[1], vector(*step), (), FLAT, tiny.ALL)
        assert first.decision == second.decision
        assert (first.logits is None) == (second.logits is None)
        if first.logits is not None and second.logits is not None:
            assert first.logits.tobytes() == second.logits.tobytes()

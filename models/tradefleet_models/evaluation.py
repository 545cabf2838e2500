"""A bundle judged on a recording by the bot's own inference: what `tradefleet models evaluate` prints."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from tradefleet_api.bundle import Bundle
from tradefleet_api.duration import seconds
from tradefleet_api.refusal import RefusedError
from tradefleet_bot.core import inference
from tradefleet_bot.core.decision import ACTIONS, PortfolioView
from tradefleet_bot.core.inference import OnnxModel
from tradefleet_bot.venues.binance.recording import RecordingError, read
from tradefleet_models.judging import judge
from tradefleet_models.labels import triple_barrier
from tradefleet_models.market import NS, Market, observe
from tradefleet_models.rules import Played, Position, Sizing, play

_HORIZON, _WIDTH = 20, 0.7
"""Labels of a bundle that does not say which it was trained on."""
_SIZING = Sizing(open=1.0, add=0.25, stop=1.0)


class EvaluationError(RefusedError):
    """The data do not allow an evaluation; `str()` says why."""


def evaluate(bundle: Bundle, path: Path, symbol: str, fees_bps: Sequence[float], seed: int = 0) -> dict[str, Any]:
    """Score quality and trading of a bundle on the longest unbroken run of a recording, as plain JSON data.

    Raises BundleError for a bundle that the bot would refuse, EvaluationError for data that cannot be judged.
    """
    model, manifest = inference.load(bundle), bundle.manifest
    recording = read(path, [symbol])
    try:
        markets = observe(recording, symbol, manifest.features, int(seconds(manifest.decision_interval) * NS))
    except RecordingError as error:
        raise EvaluationError(str(error)) from error
    if not markets:
        raise EvaluationError(f"{path} never has all features that {manifest.name} requires for {symbol}")
    market = max(markets, key=len)
    horizon = int(manifest.metrics.get("label_horizon", _HORIZON))
    labels = triple_barrier(market.mid, horizon, manifest.metrics.get("label_width", _WIDTH))
    probabilities, played = run(model, {m.name: m.weight for m in manifest.members}, market)
    try:
        judgement = judge(probabilities, market.mid, labels.label, horizon, seed)
    except ValueError as error:
        raise EvaluationError(f"{path}: {error}") from error
    begins, ends = (_rfc3339(int(market.at[row])) for row in (0, -1))
    return {
        "bundle": {"name": manifest.name, "digest": bundle.digest, "trainedThrough": manifest.lineage.trained_through},
        "data": {"file": path.name, "from": begins, "to": ends, "decisions": len(market)},
        "afterTraining": begins > manifest.lineage.trained_through,
        "labels": {"horizon": horizon, "decisions": judgement.decisions},
        "accuracy": round(judgement.accuracy, 5),
        "baseRate": round(judgement.base_rate, 5),
        "accuracyGain": judgement.gain.to_json(),
        "rankCorrelation": judgement.correlation.to_json(),
        "confidence": 0.95,
        "trading": _trading(played, seconds(manifest.decision_interval), fees_bps),
    }


def run(model: OnnxModel, weights: dict[str, float], market: Market) -> tuple[np.ndarray[Any, Any], Played]:
    """The ensemble's probabilities [N, 3] of every decision, and what its policy did under the rules of `rules`."""
    state, total = model.for_symbol(), sum(weights.values())
    probabilities = np.full((len(market), 3), np.nan)

    def choose(index: int, position: Position) -> int:
        mid = float(market.mid[index])
        view = PortfolioView(position.size, position.unrealized(mid), position.holding)
        step = model.step(state, market.features[index], (), view, position.mask)
        if step.probabilities.keys() == weights.keys():
            probabilities[index] = sum(weights[name] / total * step.probabilities[name] for name in weights)
        return ACTIONS.index(step.decision.action)

    played = play(market.bid, market.ask, choose, _SIZING)
    choose(len(market) - 1, Position())
    if not np.isfinite(probabilities).all():
        raise EvaluationError("a member failed during the evaluation")
    return probabilities, played


def _trading(played: Played, interval: float, fees_bps: Sequence[float]) -> dict[str, Any]:
    entries = max(1, played.entries)
    return {
        "actions": {name: int(count) for name, count in zip(ACTIONS, played.actions, strict=True)},
        "entriesPerMinute": round(played.entries / (played.decisions * interval / 60), 3),
        "firstEntryDecision": played.first_entry,
        "medianHoldingDecisions": float(np.median(played.holdings)) if played.holdings else None,
        "longestHoldingDecisions": max(played.holdings, default=None),
        "grossBpsPerEntry": round(1e4 * played.gross / entries, 3),
        "netBpsPerEntryAtFeeBps": {f"{fee:g}": round(1e4 * played.net(fee) / entries, 3) for fee in fees_bps},
    }


def _rfc3339(at: int) -> str:
    return datetime.fromtimestamp(at // NS, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

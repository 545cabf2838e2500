"""The whole training, in order: data, members, policy, judgement, bundle. Same configuration, same bytes.

Every source is cut in the order of time: members learn from the first part, the policy from the members' scores on the
second (which they had not seen), and both are judged on the third, which nothing was fitted or chosen on.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch

from tradefleet_models.judging import judge
from tradefleet_models.labels import UNKNOWN
from tradefleet_models.rules import Played, Position, Sizing, play
from tradefleet_models.train import data, members, parity, policy
from tradefleet_models.train.bundling import Trained, bundle
from tradefleet_models.train.config import TrainConfig
from tradefleet_models.train.data import Data
from tradefleet_models.train.environment import Tape, observation
from tradefleet_models.train.graphs import Floats
from tradefleet_models.train.members import Run
from tradefleet_models.train.sessions import Sessions, best
from tradefleet_models.train.splits import before, walk_forward

VENUE_FEE_BPS: Final = 5.0
"""Taker fee of the venue, for the honest figure beside the training fee's."""
_SHORTEST: Final = 120
_JUDGED: Final = Sizing(open=1.0, add=0.25, stop=1.0)
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Cut:
    """Where a run is cut: members before `fit`, policy before `policy`, judgement after."""

    fit: int
    policy: int

    @classmethod
    def of(cls, run: Run, config: TrainConfig) -> "Cut":
        """By the shares of the configuration."""
        split = config.split
        return cls(int(len(run) * split.fit), int(len(run) * (split.fit + split.policy)))


def train(config: TrainConfig, say: Say) -> bytes:
    """Train as configured and return the bundle's tar file; `say` is told about progress.

    Raises ConfigError where the data do not allow it, BundleError where the bot would refuse the result.
    """
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    gathered = data.gather(config, _SHORTEST)
    say(f"data: {sum(map(len, gathered.markets))} decisions in {len(gathered.markets)} runs")
    trained = fit(gathered, config, say)
    return bundle(trained, gathered, config)


def fit(gathered: Data, config: TrainConfig, say: Say) -> Trained:
    """Everything after the data: members, policy, graphs, figures."""
    runs = members.labelled(gathered.markets, config)
    cuts = [Cut.of(run, config) for run in runs]
    embargo = config.split.embargo
    walked = _walk_forward(runs, cuts, config)
    say(f"members, walk-forward: rank correlation {walked['walkforward_rank_correlation']:+.3f}")
    fitted = members.fit(
        runs, [before(run.labels.end, cut.fit, 0) for run, cut in zip(runs, cuts, strict=True)], config
    )
    probabilities = [fitted.probabilities(run.market.features) for run in runs]
    tapes = [tape_of(run, words, config) for run, words in zip(runs, probabilities, strict=True)]
    practice = [tape.slice(cut.fit + embargo, cut.policy) for tape, cut in zip(tapes, cuts, strict=True)]
    agent, scaling = policy.fit(practice, config.policy, config.target.horizon, config.seed)
    graphs = {**fitted.graphs(), "policy": policy.graph(agent, scaling)}
    parity.check(graphs, fitted, agent, runs[0].market.features[:200], tapes[0].slice(0, 200))
    unseen = [tape.slice(cut.policy + embargo, len(tape)) for tape, cut in zip(tapes, cuts, strict=True)]
    sessions = Sessions(graphs, config.lstm.hidden)
    metrics = {
        **_judged(runs, probabilities, [cut.policy + embargo for cut in cuts], config, "oos"),
        **walked,
        **_traded([_play(tape, sessions) for tape in unseen], config),
        "label_horizon": float(config.target.horizon),
        "label_width": config.target.width,
    }
    say(
        f"out of sample: rank correlation {metrics['oos_rank_correlation']:+.3f}, "
        f"{metrics['oos_entries_per_minute']:.2f} entries a minute"
    )
    golden_at = cuts[0].policy + embargo
    return Trained(graphs, metrics, runs[0].market.rows(golden_at, len(runs[0])))


def tape_of(run: Run, words: dict[str, Floats], config: TrainConfig) -> Tape:
    """What the policy sees of a run on which the members said `words`."""
    market, names = run.market, config.features
    volatility = next(index for index, name in enumerate(names) if name.startswith("volatility_"))
    return Tape(
        bid=market.bid,
        ask=market.ask,
        scores=members.scores(words, config),
        volatility=market.features[:, volatility],
        spread=market.features[:, names.index("spread")],
    )


def _walk_forward(runs: Sequence[Run], cuts: Sequence[Cut], config: TrainConfig) -> dict[str, float]:
    """Score quality of members fitted on the past only, over the walk-forward tests within the first part."""
    folds = [
        list(walk_forward(run.labels.end[: cut.fit], config.split.folds, config.split.embargo))
        for run, cut in zip(runs, cuts, strict=True)
    ]
    words: list[list[Floats]] = [[] for _ in runs]
    for number in range(config.split.folds):
        fitted = members.fit(runs, [fold[number].train for fold in folds], config)
        for index, run in enumerate(runs):
            test = folds[index][number].test
            everything = members.ensemble(fitted.probabilities(run.market.features[: test[-1] + 1]), config)
            words[index].append(everything[test])
    tested = [
        Run(run.market.rows(int(fold[0].test[0]), cut.fit), run.labels.rows(int(fold[0].test[0]), cut.fit))
        for run, fold, cut in zip(runs, folds, cuts, strict=True)
    ]
    return _judge_all(tested, [np.concatenate(parts) for parts in words], config, "walkforward")


def _judged(
    runs: Sequence[Run],
    probabilities: Sequence[dict[str, Floats]],
    begins: Sequence[int],
    config: TrainConfig,
    prefix: str,
) -> dict[str, float]:
    tested = [
        Run(run.market.rows(begin, len(run)), run.labels.rows(begin, len(run)))
        for run, begin in zip(runs, begins, strict=True)
    ]
    words = [members.ensemble(p, config)[begin:] for p, begin in zip(probabilities, begins, strict=True)]
    return _judge_all(tested, words, config, prefix)


def _judge_all(runs: Sequence[Run], words: Sequence[Floats], config: TrainConfig, prefix: str) -> dict[str, float]:
    """Runs judged as one, joined end to end; what would reach across a joint is left out."""
    horizon = config.target.horizon
    labels = [run.labels.label.copy() for run in runs]
    for each in labels:
        each[-horizon:] = UNKNOWN
    # Returns across a joint belong to no market: prices are chained so that the joint itself has none.
    mids, level = [], 1.0
    for run in runs:
        mids.append(run.market.mid * (level / run.market.mid[0]))
        level = float(mids[-1][-1])
    judgement = judge(np.concatenate(words), np.concatenate(mids), np.concatenate(labels), horizon, config.seed)
    return judgement.metrics(prefix)


def _play(tape: Tape, sessions: Sessions) -> Played:
    def choose(index: int, position: Position) -> int:
        return best(sessions.logits(observation(tape, index, position)), position.mask)

    return play(tape.bid, tape.ask, choose, _JUDGED)


def _traded(played: Sequence[Played], config: TrainConfig) -> dict[str, float]:
    """What the policy did out of sample; profit in basis points of a trade's notional, at both fees."""
    entries = sum(each.entries for each in played)
    minutes = sum(each.decisions for each in played) * config.interval_seconds / 60
    fee = config.policy.costs.fee_bps
    per_trade = 1e4 / max(1, entries)
    return {
        "training_fee_bps": fee,
        "venue_fee_bps": VENUE_FEE_BPS,
        "oos_entries": float(entries),
        "oos_entries_per_minute": round(entries / minutes, 3),
        "oos_gross_bps_per_entry": round(per_trade * sum(each.gross for each in played), 3),
        "oos_net_bps_per_entry_at_training_fee": round(per_trade * sum(each.net(fee) for each in played), 3),
        "oos_net_bps_per_entry_at_venue_fee": round(per_trade * sum(each.net(VENUE_FEE_BPS) for each in played), 3),
    }

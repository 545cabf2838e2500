"""The market as a Gymnasium environment: the bot's six actions on recorded scores, with costs in the reward.

How much an OPEN buys depends on the bot's limits, which the model does not know: every episode draws it anew, so that
the policy works for all.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import gymnasium
import numpy as np
from numpy.typing import NDArray

from tradefleet_models.rules import Position, Sizing, step_position
from tradefleet_models.train.config import Costs


@dataclass(frozen=True, slots=True)
class Tape:
    """What the policy sees of an unbroken stretch of market, one row a decision."""

    bid: NDArray[np.float64]
    ask: NDArray[np.float64]
    scores: NDArray[np.float32]
    """[N, 1 + members]: the ensemble's score, then each member's."""
    volatility: NDArray[np.float32]
    spread: NDArray[np.float32]
    edge: float = 0.0
    """Return to the next decision that a score of 1 predicts, fitted on data the scores had not seen (`edge_of`)."""

    def __len__(self) -> int:
        return len(self.bid)

    def slice(self, begin: int, end: int) -> "Tape":
        """Decisions `begin` to `end`."""
        return Tape(
            self.bid[begin:end],
            self.ask[begin:end],
            self.scores[begin:end],
            self.volatility[begin:end],
            self.spread[begin:end],
            self.edge,
        )

    def mirrored(self) -> "Tape":
        """The same market with up and down exchanged: prices inverted, scores negated."""
        return Tape(1 / self.ask, 1 / self.bid, -self.scores, self.volatility, self.spread, self.edge)


def edge_of(tapes: Sequence[Tape], horizon: int) -> float:
    """What a score of 1 says about the next decision's return, by least squares over `horizon` decisions.

    A score s that decays with autocovariance c(k) predicts b x s over the horizon, where the return of the next
    decision is e x s: b x c(0) = e x (c(0) + … + c(horizon - 1)). The longer window has the same e with less noise.
    """
    together = lagged = 0.0
    for tape in tapes:
        score, log = tape.scores[:, 0].astype(np.float64), np.log((tape.bid + tape.ask) / 2)
        together += float(score[:-horizon] @ (log[horizon:] - log[:-horizon]))
        count = len(score) - horizon
        lagged += sum(float(score[:count] @ score[lag : lag + count]) for lag in range(horizon))
    return together / lagged if lagged > 0 else 0.0


def observation(tape: Tape, index: int, position: Position) -> NDArray[np.float32]:
    """The policy's input at one decision: score, members' scores, position, unrealized, holding, volatility, spread."""
    mid = (tape.bid[index] + tape.ask[index]) / 2
    own = (position.size, position.unrealized(mid), position.holding)
    market = (tape.volatility[index], tape.spread[index])
    return np.array([*tape.scores[index], *own, *market], np.float32)


class TradingEnvironment(gymnasium.Env[NDArray[np.float32], np.int64]):
    """Random stretches of tapes; the reward is profit minus costs, in `unit_bps` basis points of the largest position.

    An action is filled at its own decision's touch plus slippage and earns from there to the next decision. The return
    of one second is almost all noise that no policy could have known: the profit is `realized_share` of what came, and
    for the rest what the score let expect (`Tape.edge`), which has the same mean and a fraction of the variance.
    """

    def __init__(
        self, tapes: Sequence[Tape], costs: Costs, episode: int, unit_bps: float, realized_share: float
    ) -> None:
        super().__init__()
        if not (tapes := [tape for tape in tapes if len(tape) > episode + 1]):
            raise ValueError(f"no stretch of data is longer than an episode of {episode} decisions")
        self._tapes, self._costs, self._episode, self._unit = tapes, costs, episode, unit_bps
        self._realized_share = realized_share
        self.cost_share = 1.0
        """How much of the costs is charged: training begins with few, or it would learn to do nothing first."""
        self._weights = np.array([len(tape) - episode for tape in tapes], np.float64)
        self._weights /= self._weights.sum()
        self.action_space = gymnasium.spaces.Discrete(6)
        width = tapes[0].scores.shape[1] + 5
        self.observation_space = gymnasium.spaces.Box(-np.inf, np.inf, (width,), np.float32)
        self._tape, self._index, self._end = tapes[0], 0, 0
        self._position, self._sizing = Position(), Sizing(1.0, 0.0, 1.0)

    def action_masks(self) -> NDArray[np.bool_]:
        """The allowed actions now (the name that MaskablePPO asks for)."""
        return np.array(self._position.mask)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[NDArray[np.float32], dict[str, Any]]:
        super().reset(seed=seed, options=options)
        draw = self.np_random
        self._tape = self._tapes[int(draw.choice(len(self._tapes), p=self._weights))]
        self._index = int(draw.integers(0, len(self._tape) - self._episode))
        self._end = self._index + self._episode
        whole = draw.random() < 0.5  # with the default limits an entry takes nearly all the room there is
        self._sizing = Sizing(
            open=float(draw.uniform(0.95, 1.0) if whole else draw.uniform(0.2, 0.95)),
            add=float(draw.uniform(0.1, 0.5)),
            stop=float(draw.uniform(1e-3, 5e-3)),
        )
        self._position = Position()
        return observation(self._tape, self._index, self._position), {}

    def step(self, action: np.int64) -> tuple[NDArray[np.float32], float, bool, bool, dict[str, Any]]:
        tape, before = self._tape, self._position
        bid, ask = tape.bid[self._index], tape.ask[self._index]
        held = step_position(before, int(action), bid, ask, self._sizing)
        self._index += 1
        mid, after = (bid + ask) / 2, (tape.bid[self._index] + tape.ask[self._index]) / 2
        share = self._realized_share
        outcome = share * (after / mid - 1) + (1 - share) * tape.edge * float(tape.scores[self._index - 1, 0])
        profit = held.size * outcome * 1e4
        traded = abs(held.size - before.size)
        orders = int(traded > 0)
        held = held.older()
        if held.unrealized(after) < -100 * self._sizing.stop:
            traded, orders, held = traded + abs(held.size), orders + 1, Position()
        self._position = held
        half_spread = (ask - bid) / (2 * mid) * 1e4
        cost = traded * (self._costs.fee_bps + self._costs.slippage_bps + half_spread) + orders * self._costs.order_bps
        reward = float((profit - self.cost_share * cost) / self._unit)
        return observation(tape, self._index, held), reward, False, self._index >= self._end, {}

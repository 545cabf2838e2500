"""The rules of trading that training and evaluation play by, pure; they mirror the engine's.

OPEN only when flat; ADD, REDUCE and CLOSE only in a position; orders fill at the touch. The engine is the real thing,
with limits, stops, latency and partial fills: this is the game its policy is practised on.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tradefleet_bot.core.decision import ACTIONS, Mask

HOLD, OPEN_LONG, OPEN_SHORT, ADD, REDUCE, CLOSE = range(len(ACTIONS))
FULL_HOLDING: Final = 60
"""Decisions after which `holding` is 1."""
_FULL: Final = 0.999
"""A position this close to the largest one has no room for ADD."""
_SMALLEST: Final = 0.1
"""REDUCE closes a position that is smaller than this fraction of the largest one."""


@dataclass(frozen=True, slots=True)
class Sizing:
    """What OPEN buys and ADD adds, as fractions of the largest position; `stop`: relative distance of the stop."""

    open: float
    add: float
    stop: float


@dataclass(frozen=True, slots=True)
class Position:
    """Signed size as a fraction of the largest position, average entry price, decisions since entry."""

    size: float = 0.0
    entry: float = 0.0
    age: int = 0

    def unrealized(self, mid: float) -> float:
        """Unrealised profit over notional, in percent; 0 when flat."""
        if not self.size:
            return 0.0
        return (100.0 if self.size > 0 else -100.0) * (mid / self.entry - 1)

    @property
    def holding(self) -> float:
        """Decisions since entry as the policy sees them, 0 to 1."""
        return min(1.0, self.age / FULL_HOLDING)

    @property
    def mask(self) -> Mask:
        """The actions that are allowed."""
        flat = self.size == 0
        return (True, flat, flat, not flat and abs(self.size) < _FULL, not flat, not flat)

    def older(self) -> "Position":
        """The same position one decision later."""
        return Position(self.size, self.entry, self.age + 1) if self.size else self


def step_position(position: Position, action: int, bid: float, ask: float, sizing: Sizing) -> Position:
    """The position after an action is filled at the touch. Raises ValueError for an action that is masked."""
    if not position.mask[action]:
        raise ValueError(f"{ACTIONS[action]} is not allowed in {position}")
    match action:
        case 0:
            return position
        case 1:
            return Position(sizing.open, ask)
        case 2:
            return Position(-sizing.open, bid)
        case 3:
            long = position.size > 0
            size = min(1.0, abs(position.size) + sizing.add) * (1 if long else -1)
            entry = (position.entry * position.size + (ask if long else bid) * (size - position.size)) / size
            return Position(size, entry, position.age)
        case 4 if abs(position.size) > _SMALLEST:
            return Position(position.size / 2, position.entry, position.age)
        case _:
            return Position()


@dataclass(frozen=True, slots=True)
class Played:
    """What a policy did with a market: actions taken, and its profit before costs in units of the largest position."""

    actions: NDArray[np.int64]
    """How often each action was taken, [6]."""
    decisions: int
    first_entry: int | None
    """Decision of the first OPEN."""
    holdings: tuple[int, ...]
    """Decisions that each closed position was held."""
    gross: float
    """Sum of position times return, marked at the mid."""
    spread_cost: float
    """What crossing half the spread cost, in the same unit."""
    turnover: float
    """Sum of what was traded, in largest positions."""

    @property
    def entries(self) -> int:
        """Number of OPEN actions."""
        return int(self.actions[OPEN_LONG] + self.actions[OPEN_SHORT])

    def net(self, fee_bps: float) -> float:
        """Profit after half the spread and a fee in basis points of what was traded."""
        return self.gross - self.spread_cost - self.turnover * fee_bps * 1e-4


def play(
    bid: NDArray[np.float64], ask: NDArray[np.float64], choose: Callable[[int, Position], int], sizing: Sizing
) -> Played:
    """Let `choose(decision, position) -> action` trade a market; a position left at the end is closed."""
    mid = (bid + ask) / 2
    position, entered = Position(), 0
    first: int | None = None
    actions, holdings = np.zeros(len(ACTIONS), np.int64), []
    gross = spread_cost = turnover = 0.0
    last = len(mid) - 1
    for index in range(last + 1):
        if index < last:
            action = choose(index, position)
            actions[action] += 1
            held = step_position(position, action, float(bid[index]), float(ask[index]), sizing)
        else:
            held = Position()
        traded = abs(held.size - position.size)
        turnover += traded
        spread_cost += traded * float(ask[index] - bid[index]) / (2 * float(mid[index]))
        if held.size and not position.size:
            entered, first = index, index if first is None else first
        if position.size and not held.size:
            holdings.append(index - entered)
        if index < last:
            gross += held.size * (float(mid[index + 1] / mid[index]) - 1)
        position = held.older()
    return Played(actions, last, first, tuple(holdings), gross, spread_cost, turnover)

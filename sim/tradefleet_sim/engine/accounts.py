"""Accounts and positions, in exact money: whatever leaves one hand is in another.

A position keeps what its lots cost (money units, signed like the lots); closing part of it releases that share of the
cost, rounded toward zero, and the rest stays, so nothing is ever lost to rounding.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Final

from tradefleet_sim.engine.algos import Algo
from tradefleet_sim.engine.orders import Fill, Order

HISTORY: Final = 5_000  # closed orders, fills and incomes an account remembers
DEFAULT_LEVERAGE: Final = 20


@dataclass(frozen=True, slots=True)
class Position:
    """`lots` is signed: short is negative. `fees` paid since it was opened (for the break-even price)."""

    lots: int = 0
    cost: int = 0
    fees: int = 0
    updated: int = 0

    def unrealized(self, value: int) -> int:
        """Money units, where `value` is what the lots are worth (signed like them)."""
        return value - self.cost


def trade(position: Position, lots: int, notional: int, fee: int, at: int) -> tuple[Position, int]:
    """The position after buying `lots` (negative: selling) for `notional` money units (signed alike), realised PnL."""
    held = position.lots
    if held == 0 or (held > 0) == (lots > 0):
        return Position(held + lots, position.cost + notional, position.fees + fee, at), 0
    closing = min(abs(lots), abs(held))
    released = _share(position.cost, closing, abs(held))
    received = -_share(notional, closing, abs(lots))
    realized = received - released
    rest = abs(lots) - closing
    if rest:  # through zero to the other side
        return Position(held + lots, notional + received, fee, at), realized
    left = Position(held + lots, position.cost - released, position.fees + fee, at)
    return (left if left.lots else Position(updated=at)), realized


def _share(amount: int, part: int, whole: int) -> int:
    """`amount * part / whole`, toward zero."""
    share = abs(amount) * part // whole
    return share if amount >= 0 else -share


@dataclass(frozen=True, slots=True)
class Income:
    at: int
    id: int
    kind: str  # REALIZED_PNL, COMMISSION, FUNDING_FEE, INSURANCE_CLEAR, TRANSFER
    symbol: str
    amount: int
    trade_id: int = 0


@dataclass(slots=True)
class Account:
    """One margin account: `key` names it, `alias` is what the venue calls it on the wire."""

    key: str
    alias: str
    wallet: int
    created: int
    updated: int = 0
    positions: dict[str, Position] = field(default_factory=dict)
    leverage: dict[str, int] = field(default_factory=dict)
    orders: dict[int, Order] = field(default_factory=dict)  # open
    algos: dict[int, Algo] = field(default_factory=dict)  # waiting or triggered
    closed: deque[Order] = field(default_factory=lambda: deque(maxlen=HISTORY))
    closed_algos: deque[Algo] = field(default_factory=lambda: deque(maxlen=HISTORY))
    fills: deque[tuple[Order, Fill]] = field(default_factory=lambda: deque(maxlen=HISTORY))
    incomes: deque[Income] = field(default_factory=lambda: deque(maxlen=HISTORY))
    realized: dict[str, int] = field(default_factory=dict)  # PnL before fees, by symbol
    liquidations: int = 0

    def position(self, symbol: str) -> Position:
        return self.positions.get(symbol, _FLAT)

    def leverage_of(self, symbol: str) -> int:
        return self.leverage.get(symbol, DEFAULT_LEVERAGE)

    def open_orders(self, symbol: str | None = None) -> list[Order]:
        return [order for order in self.orders.values() if symbol in (None, order.symbol)]

    def waiting_algos(self, symbol: str | None = None) -> list[Algo]:
        from_symbol = (algo for algo in self.algos.values() if symbol in (None, algo.request.symbol))
        return [algo for algo in from_symbol if algo.status == "NEW"]


_FLAT: Final = Position()


@dataclass(slots=True)
class Ledger:
    """Where money is that is in no account: with this, everything always adds up to what was deposited."""

    deposits: int = 0
    fees: int = 0
    funding: int = 0
    insurance: int = 0
    strangers: int = 0  # cash of everybody who is not a client
    strangers_lots: dict[str, int] = field(default_factory=dict)

"""Margin arithmetic of a cross account in one-way mode, after the venue's formulas (exchange-protocols.md A9).

All amounts are money units; prices of marks are money units for one base unit.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from tradefleet_sim.instruments import MONEY, Bracket


@dataclass(frozen=True, slots=True)
class Exposure:
    """One symbol's part: signed value of the position at the mark, notional of open orders that are not reduce-only."""

    position: int
    bids: int
    asks: int
    unrealized: int
    leverage: int
    brackets: tuple[Bracket, ...]

    @property
    def position_margin(self) -> int:
        return -(-abs(self.position) // self.leverage)

    @property
    def initial_margin(self) -> int:
        """Of position and open orders: the larger of what either side's orders would make of the position."""
        largest = max(abs(self.position + self.bids), abs(self.position - self.asks), abs(self.position))
        return -(-largest // self.leverage)

    @property
    def maintenance_margin(self) -> int:
        return maintenance(self.brackets, abs(self.position))


def bracket_of(table: Sequence[Bracket], notional: int) -> Bracket:
    for bracket in table:
        if notional <= bracket.cap * MONEY:
            return bracket
    return table[-1]


def maintenance(table: Sequence[Bracket], notional: int) -> int:
    """notional · MMR - cum, rounded up."""
    bracket = bracket_of(table, notional)
    return max(0, -(-notional * bracket.maintenance_ppm // 1_000_000) - bracket.cum) if notional else 0


def maximum_notional(table: Sequence[Bracket], leverage: int) -> int:
    """USDT that may be held at `leverage`: the cap of the last bracket that still offers it."""
    return max((bracket.cap for bracket in table if bracket.leverage >= leverage), default=0)


@dataclass(frozen=True, slots=True)
class Health:
    """The whole account."""

    wallet: int
    unrealized: int
    initial_margin: int
    position_margin: int
    maintenance_margin: int

    @property
    def equity(self) -> int:
        return self.wallet + self.unrealized

    @property
    def available(self) -> int:
        return max(0, self.equity - self.initial_margin)


def health(wallet: int, exposures: Iterable[Exposure]) -> Health:
    listed = list(exposures)
    return Health(
        wallet=wallet,
        unrealized=sum(exposure.unrealized for exposure in listed),
        initial_margin=sum(exposure.initial_margin for exposure in listed),
        position_margin=sum(exposure.position_margin for exposure in listed),
        maintenance_margin=sum(exposure.maintenance_margin for exposure in listed),
    )


def liquidation_price(
    *,
    wallet: Decimal,
    amount: Decimal,
    entry: Decimal,
    table: Sequence[Bracket],
    other_maintenance: Decimal = Decimal(0),
    other_unrealized: Decimal = Decimal(0),
) -> Decimal | None:
    """One-way mode: (WB - TMM1 + UPNL1 + cum - amount·EP) / (|amount|·MMR - amount), the bracket that fits the result.

    All in USDT and base units; `amount` is signed. None where there is no such price (no position, or none above zero).

    >>> from tradefleet_sim.instruments import BTC_BRACKETS
    >>> flat = (Bracket(100, 10**9, 5_000, 0, 50 * MONEY),)
    >>> round(liquidation_price(wallet=Decimal(3000), amount=Decimal(1), entry=Decimal(60000), table=flat), 2)
    Decimal('57236.18')
    >>> round(liquidation_price(wallet=Decimal(3000), amount=Decimal(-1), entry=Decimal(60000), table=flat), 2)
    Decimal('62736.32')
    """
    if not amount:
        return None
    for bracket in table:
        rate, cum = Decimal(bracket.maintenance_ppm) / 1_000_000, Decimal(bracket.cum) / MONEY
        above = wallet - other_maintenance + other_unrealized + cum - amount * entry
        price = above / (abs(amount) * rate - amount)
        if price > 0 and bracket.floor <= abs(amount) * price <= bracket.cap:
            return price
    return None

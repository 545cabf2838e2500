"""What happened at the exchange, for the fronts to tell their clients. Everything in a value is as it was then."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from tradefleet_sim.engine.accounts import Position
from tradefleet_sim.engine.algos import Algo
from tradefleet_sim.engine.orders import Fill, Order
from tradefleet_sim.market.events import Levels, Liquidation, Mark, OpenInterest


class Execution(StrEnum):
    """What happened to an order (Binance's `x`)."""

    NEW = "NEW"
    TRADE = "TRADE"
    CANCELED = "CANCELED"
    EXPIRED = "EXPIRED"
    CALCULATED = "CALCULATED"  # a liquidation's fill


@dataclass(frozen=True, slots=True)
class BookChanged:
    """Displayed quantities (strangers' and clients' together) of the levels that changed; 0 deletes."""

    symbol: str
    at: int
    update: int
    bids: Levels
    asks: Levels
    best_bid: tuple[int, int] | None
    best_ask: tuple[int, int] | None


@dataclass(frozen=True, slots=True)
class Traded:
    symbol: str
    at: int
    trade_id: int
    price: int
    lots: int
    buyer_is_maker: bool


@dataclass(frozen=True, slots=True)
class MarketNews:
    """Passed on from the market: mark price, open interest, a stranger's liquidation (or a client's)."""

    symbol: str
    news: Mark | OpenInterest | Liquidation


@dataclass(frozen=True, slots=True)
class OrderChanged:
    at: int
    order: Order
    execution: Execution
    fill: Fill | None = None


@dataclass(frozen=True, slots=True)
class AlgoChanged:
    at: int
    algo: Algo


@dataclass(frozen=True, slots=True)
class AccountChanged:
    """`wallet` and `change` (other than by trading) in money units; the position where one changed."""

    at: int
    account: str
    reason: str  # ORDER, FUNDING_FEE, INSURANCE_CLEAR, …
    wallet: int
    change: int = 0
    symbol: str | None = None
    position: Position | None = None
    realized: int = 0  # of the symbol so far, before fees


@dataclass(frozen=True, slots=True)
class LeverageChanged:
    at: int
    account: str
    symbol: str
    leverage: int


Event = BookChanged | Traded | MarketNews | OrderChanged | AlgoChanged | AccountChanged | LeverageChanged


def account_of(event: OrderChanged | AlgoChanged | AccountChanged | LeverageChanged) -> str:
    """Key of the account that an account's event is about."""
    match event:
        case OrderChanged():
            return event.order.account
        case AlgoChanged():
            return event.algo.account
        case AccountChanged() | LeverageChanged():
            return event.account

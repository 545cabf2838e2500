"""What a market tells the exchange, whatever it comes from.

Prices are ticks, quantities lots, `at` is event time in milliseconds of the epoch. Named tuples, because a generated
hour holds hundreds of thousands of them and they are the cheapest immutable value there is.
"""

from __future__ import annotations

from typing import NamedTuple

Levels = list[tuple[int, int]]


class Snapshot(NamedTuple):
    """The whole book: replaces what was there. `update` is the venue's last update id; best levels first."""

    at: int
    update: int
    bids: Levels
    asks: Levels


class BookUpdate(NamedTuple):
    """Absolute quantities of the levels that changed; 0 deletes. `update` grows with every one."""

    at: int
    update: int
    bids: Levels
    asks: Levels


class Quote(NamedTuple):
    """The best level of each side, newer than any book update with a smaller id; nothing better exists."""

    at: int
    update: int
    bid: tuple[int, int]
    ask: tuple[int, int]


class Print(NamedTuple):
    """A trade between strangers. `buyer_is_maker` means that the aggressor sold."""

    at: int
    price: int
    lots: int
    buyer_is_maker: bool


class Mark(NamedTuple):
    """Mark and index price as exact text (they have finer steps than ticks), funding rate, next funding time (ms)."""

    at: int
    mark_price: str
    index_price: str
    settle_price: str
    rate: str
    next_funding: int


class OpenInterest(NamedTuple):
    at: int
    lots: int


class Liquidation(NamedTuple):
    """A forced order of a stranger: `sell` closes a long. `price` is the order's, `average` what it got."""

    at: int
    sell: bool
    price: int
    average: int
    lots: int


MarketEvent = Snapshot | BookUpdate | Quote | Print | Mark | OpenInterest | Liquidation

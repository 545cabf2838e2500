"""Everything that can happen to a bot, as immutable values: the only input of the core.

Times are integers, nanoseconds since the Unix epoch, UTC. `at` is when this process received the event (its clock,
corrected to the venue's, never going backwards within a journal): engine time, timeouts and staleness use it. `ts` is
the venue's own event time: features use it for their windows. Market prices and quantities are floats parsed from the
venue's decimal text (features need no more); orders, fills and balances are exact Decimals.

Events are journaled as they are: fields are only ever appended, with defaults, so that old journals stay readable.
"""

from decimal import Decimal
from typing import Literal

from msgspec import Struct

Side = Literal["BUY", "SELL"]
Stream = Literal["trade", "quote", "depth", "mark", "open_interest", "liquidation"]
"""Kinds of market data a feature may need and a feed may lack."""
Levels = tuple[tuple[float, float], ...]
"""(price, quantity) pairs, best first in snapshots, any order in deltas; quantity 0 deletes the level."""


class _Event(Struct, frozen=True, array_like=True, tag=True, gc=False):
    at: int


class Trade(_Event, frozen=True, array_like=True, tag=True, gc=False):
    """A trade print; `side` is the aggressor's."""

    ts: int
    symbol: str
    price: float
    quantity: float
    side: Side


class Quote(_Event, frozen=True, array_like=True, tag=True, gc=False):
    """Best bid and offer (bookTicker)."""

    ts: int
    symbol: str
    bid: float
    bid_quantity: float
    ask: float
    ask_quantity: float


class DepthSnapshot(_Event, frozen=True, array_like=True, tag=True, gc=False):
    """The whole visible book; replaces what was known."""

    ts: int
    symbol: str
    bids: Levels
    asks: Levels


class DepthDelta(_Event, frozen=True, array_like=True, tag=True, gc=False):
    """Absolute new quantities of some levels; the sequence has been checked by the venue's book builder."""

    ts: int
    symbol: str
    bids: Levels
    asks: Levels


class MarkPrice(_Event, frozen=True, array_like=True, tag=True, gc=False):
    """Mark and index price; the funding rate per period as a ratio, and when it is next paid (None where unknown)."""

    ts: int
    symbol: str
    mark: float
    index: float | None
    funding_rate: float | None
    next_funding: int | None


class OpenInterest(_Event, frozen=True, array_like=True, tag=True, gc=False):
    """Open interest, one-sided, in base units."""

    ts: int
    symbol: str
    quantity: float


class Liquidation(_Event, frozen=True, array_like=True, tag=True, gc=False):
    """A forced order; `side` is the order's: SELL means that a long was liquidated."""

    ts: int
    symbol: str
    price: float
    quantity: float
    side: Side


class FeedState(_Event, frozen=True, array_like=True, tag=True, gc=False):
    """A stream of a symbol went up (data flow and are in sequence) or down (gap, reconnect, silence)."""

    symbol: str
    stream: Stream
    up: bool
    reason: str = ""


class Timer(_Event, frozen=True, array_like=True, tag=True, gc=False):
    """Time passed: timeouts and staleness are judged even when the market is silent."""


class Instrument(_Event, frozen=True, array_like=True, tag=True, gc=False):
    """The venue's rules for a symbol; prices move by `tick`, quantities by `lot`."""

    symbol: str
    tick: Decimal
    lot: Decimal
    min_quantity: Decimal
    min_notional: Decimal


MarketEvent = Trade | Quote | DepthSnapshot | DepthDelta | MarkPrice | OpenInterest | Liquidation

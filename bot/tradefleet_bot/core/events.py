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

from tradefleet_bot.core.carry import Carry
from tradefleet_bot.core.limits import Limits, Route

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


class Directive(_Event, frozen=True, array_like=True, tag=True, gc=False):
    """Orders from above, already merged (`core/directive.py`): the stricter of spec and mandate in each limit.

    Sent at start, at each change, and when the mandate goes stale or is fresh again. Until the first one: no trading.
    """

    mode: Literal["paper", "hybrid", "live"]
    trading_state: Literal["Running", "Paused", "ReduceOnly", "Flatten"]
    limits: Limits
    capital_quote: Decimal
    """Capital that may be used; sizes are computed on the smaller of this and equity."""
    sequence: int | None = None
    """The mandate's; None where no cluster gives one."""
    model_digest: str | None = None
    """The bundle the mandate wants; None where it names none."""
    halt: Literal["Pause", "Cancel", "Flatten"] | None = None
    fresh: bool = True
    """False once the mandate's lifetime has passed since the last successful read."""
    deleting: bool = False
    deletion_policy: Literal["Flatten", "Orphan"] = "Flatten"
    rearm: str = ""
    """Annotation tradefleet.dev/rearm: a new, non-empty value clears the latches."""
    live_symbols: tuple[str, ...] = ()
    """Under hybrid: the symbols that trade live; the others stay on paper."""


OrderStatus = Literal["NEW", "PARTIALLY_FILLED", "FILLED", "CANCELED", "REJECTED", "EXPIRED", "TRIGGERED", "NOT_FOUND"]
"""TRIGGERED: a conditional order fired and became an order in the book. NOT_FOUND: the venue knows no such order."""


class OrderReport(_Event, frozen=True, array_like=True, tag=True, gc=False):
    """The venue's word on an order: the reply to a command, an update of the user stream, or the answer to a query.

    `filled` is cumulative. Reports may come late, twice and out of order. `ts` is the venue's time of the status; of
    NOT_FOUND it is the `at` of the QueryOrder that was answered, because the order may have arrived since.
    """

    ts: int
    symbol: str
    client_id: str
    status: OrderStatus
    venue_id: str = ""
    filled: Decimal = Decimal(0)
    average_price: Decimal | None = None
    """Of what is filled; None while nothing is, or where the venue does not say."""
    reason: str = ""
    """Why it was rejected or expired, in the venue's words."""


class Fill(_Event, frozen=True, array_like=True, tag=True, gc=False):
    """One execution on the account, of our orders or anybody's (manual, liquidation); once a `trade_id` and symbol.

    An execution of a triggered conditional order carries the client id of that conditional order where the venue's
    codec can know it. `fee_quote` is positive when paid.
    """

    ts: int
    symbol: str
    client_id: str
    trade_id: str
    side: Side
    price: Decimal
    quantity: Decimal
    fee_quote: Decimal
    maker: bool
    realized_quote: Decimal | None = None
    """Realised profit by the venue's own account, before the fee; None where unknown."""
    venue_id: str = ""


class CashFlow(_Event, frozen=True, array_like=True, tag=True, gc=False):
    """Money that moved without an execution; positive when received. Once a `flow_id`."""

    ts: int
    kind: Literal["funding", "transfer", "other"]
    symbol: str
    amount_quote: Decimal
    flow_id: str


class CommandFailed(_Event, frozen=True, array_like=True, tag=True, gc=False):
    """A command that brought no OrderReport.

    Family `retry`: it surely had no effect and may be tried again (rate limit, maintenance). `stop`: it surely had no
    effect and must not be repeated as it is (refused, malformed, past its deadline). `unknown`: no reply came; the
    order may or may not exist.
    """

    command: Literal["place", "cancel", "cancel_all", "query", "reconcile", "set_leverage"]
    family: Literal["retry", "stop", "unknown"]
    reason: str
    symbol: str = ""
    client_id: str = ""
    route: Route = "live"
    retry_after: int = 0
    """Nanoseconds the venue asked to wait."""
    sent: int = 0
    """`at` of the command that failed: an order may have been sent again since."""


class AccountPosition(Struct, frozen=True, array_like=True, gc=False):
    """A position by the venue's account: signed quantity, entry price, and liquidation price where there is one."""

    symbol: str
    quantity: Decimal
    entry_price: Decimal
    liquidation_price: Decimal | None = None


class OpenOrder(Struct, frozen=True, array_like=True, gc=False):
    """An order that is open at the venue, conditional ones included."""

    symbol: str
    client_id: str
    side: Side
    kind: Literal["LIMIT", "STOP_MARKET", "TAKE_PROFIT_MARKET", "OTHER"]
    quantity: Decimal
    filled: Decimal = Decimal(0)
    price: Decimal | None = None
    trigger: Decimal | None = None
    reduce_only: bool = False
    close_position: bool = False
    venue_id: str = ""


class AccountState(_Event, frozen=True, array_like=True, tag=True):
    """A full snapshot of a route's account: what is not listed does not exist.

    `requested` is the engine time of the Reconcile it answers (0 when unasked): what the engine sent after that
    moment may be missing from it.
    """

    ts: int
    route: Route
    wallet_quote: Decimal
    """Balance without unrealised profit."""
    positions: tuple[AccountPosition, ...]
    orders: tuple[OpenOrder, ...]
    requested: int = 0


class AccountFeed(_Event, frozen=True, array_like=True, tag=True, gc=False):
    """The route's stream of orders and fills went up or down; while it is down, fills are invisible: no new risk."""

    route: Route
    up: bool
    reason: str = ""


class LiquidationPrice(_Event, frozen=True, array_like=True, tag=True, gc=False):
    """The venue's liquidation price of a position changed; None where it has none."""

    ts: int
    symbol: str
    price: Decimal | None


class Restored(_Event, frozen=True, array_like=True, tag=True):
    """The first event after a restart: the last `Persist` that was kept."""

    carry: Carry


MarketEvent = Trade | Quote | DepthSnapshot | DepthDelta | MarkPrice | OpenInterest | Liquidation

AccountEvent = OrderReport | Fill | CashFlow | CommandFailed | AccountState | AccountFeed | LiquidationPrice
Event = MarketEvent | FeedState | Timer | Instrument | Directive | AccountEvent | Restored

"""User-data frames as account events, exact to the last decimal.

https://developers.binance.com/docs/derivatives/usds-margined-futures/user-data-streams. TRADE_LITE repeats what
ORDER_TRADE_UPDATE says and is left out, so that no fill counts twice. Positions are not read from ACCOUNT_UPDATE: the
engine derives them from fills and checks them by reconciliation.
"""

from collections import Counter
from decimal import Decimal
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta, Struct

from tradefleet_bot.core.events import AccountEvent, CashFlow, Fill, OrderReport, OrderStatus, Side
from tradefleet_bot.venues.binance.codec import NS_PER_MS, DecodeError, Millis
from tradefleet_bot.venues.binance.wire import ZERO, amount, decode_as, decoder, exact, positive

ClientId = Annotated[str, Meta(max_length=64)]
VenueId = Annotated[int, Meta(ge=0, le=2**63 - 1)]
_MAX_LINKS: Final = 4_096
FALLBACK_FEE: Final = Decimal("0.0005")
"""Taker fee assumed where it was paid in another asset (BNB), whose price this bot does not follow."""

ORDER_STATUS: Final[dict[str, OrderStatus]] = {
    "NEW": "NEW",
    "PARTIALLY_FILLED": "PARTIALLY_FILLED",
    "FILLED": "FILLED",
    "CANCELED": "CANCELED",
    "EXPIRED": "EXPIRED",
    "EXPIRED_IN_MATCH": "EXPIRED",
    "REJECTED": "REJECTED",
}
_EXPIRE_REASON: Final = {
    "1": "self-trade prevention", "2": "remainder of IOC", "4": "reduce-only knocked out", "5": "liquidated",
    "8": "trigger", "9": "remainder of market order",
}  # fmt: skip


class StreamEnded(Struct, frozen=True):
    """The venue will send nothing more on this stream (listen key expired, server shutting down): open a new one."""

    reason: str


UserMessage = AccountEvent | StreamEnded


class _Order(Struct, gc=False):
    s: str
    c: ClientId
    S: Side
    x: str
    X: str
    i: VenueId
    l: Decimal = ZERO  # noqa: E741 - the venue's name
    z: Decimal = ZERO
    L: Decimal = ZERO
    ap: Decimal = ZERO
    n: Decimal = ZERO
    N: str = ""
    t: VenueId = 0
    T: Millis = 0
    m: bool = False
    rp: Decimal | None = None
    er: str = "0"


class _OrderUpdate(Struct, tag_field="e", tag="ORDER_TRADE_UPDATE", gc=False):
    T: Millis
    o: _Order


class _Algo(Struct, gc=False):
    caid: ClientId
    aid: VenueId
    s: str
    X: str
    q: str = ""
    ai: str = ""
    ap: str = ""
    aq: str = ""
    rm: str = ""


class _AlgoUpdate(Struct, tag_field="e", tag="ALGO_UPDATE", gc=False):
    T: Millis
    o: _Algo


class _Balance(Struct, gc=False):
    a: str
    bc: Decimal = ZERO


class _AccountBody(Struct, gc=False):
    m: str
    B: list[_Balance] = []
    S: str = ""


class _AccountUpdate(Struct, tag_field="e", tag="ACCOUNT_UPDATE", gc=False):
    T: Millis
    a: _AccountBody


class _ListenKeyExpired(Struct, tag_field="e", tag="listenKeyExpired", gc=False):
    pass


class _ServerShutdown(Struct, tag_field="e", tag="serverShutdown", gc=False):
    pass


class _Probe(Struct):
    e: str


class _Envelope(Struct):
    data: msgspec.Raw


_FRAME: Final = decoder(_OrderUpdate | _AlgoUpdate | _AccountUpdate | _ListenKeyExpired | _ServerShutdown)
_PROBE: Final = msgspec.json.Decoder(_Probe)
_ENVELOPE: Final = msgspec.json.Decoder(_Envelope)
_KINDS: Final = frozenset({"ORDER_TRADE_UPDATE", "ALGO_UPDATE", "ACCOUNT_UPDATE", "listenKeyExpired", "serverShutdown"})
_KNOWN_UNUSED: Final = frozenset(
    {"TRADE_LITE", "ACCOUNT_CONFIG_UPDATE", "MARGIN_CALL", "STRATEGY_UPDATE", "GRID_UPDATE"}
)


class UserDecoder:
    """One account's frames, in order; remembers which conditional order became which order."""

    def __init__(self, quote_asset: str = "USDT") -> None:
        self.ignored: Counter[str] = Counter()
        self._quote_asset = quote_asset
        self._links: dict[str, str] = {}  # venue id of the order -> client id of the conditional order it came from

    def link(self, venue_id: str, client_id: str) -> None:
        """Executions of this order belong to that client id."""
        self._links[venue_id] = client_id
        while len(self._links) > _MAX_LINKS:
            del self._links[next(iter(self._links))]

    def client_id(self, venue_id: str, given: str) -> str:
        """The client id under which the engine knows the order."""
        return self._links.get(venue_id, given)

    def decode(self, frame: bytes, at: int) -> list[UserMessage]:
        """Events of one frame received at `at` (ns). Raises DecodeError, and nothing else."""
        if frame.startswith(b'{"stream"'):
            frame = bytes(decode_as(_ENVELOPE, frame).data)
        try:
            update = decode_as(_FRAME, frame)
        except DecodeError:
            kind = decode_as(_PROBE, frame).e
            if kind in _KINDS:
                raise
            self.ignored[kind if kind in _KNOWN_UNUSED else "unknown"] += 1
            return []
        if isinstance(update, _OrderUpdate):
            return self._order(update, at)
        if isinstance(update, _AlgoUpdate):
            return self._algo(update, at)
        if isinstance(update, _AccountUpdate):
            return self._account(update, at)
        return [StreamEnded("listen key expired" if isinstance(update, _ListenKeyExpired) else "server shutdown")]

    def _order(self, update: _OrderUpdate, at: int) -> list[UserMessage]:
        o, ts = update.o, update.T * NS_PER_MS
        status = ORDER_STATUS.get(o.X)
        if status is None:
            raise DecodeError(f"unknown order status {o.X[:40]!r}")
        venue_id = str(o.i)
        client_id = self.client_id(venue_id, o.c)
        reason = _EXPIRE_REASON.get(o.er, "") if status == "EXPIRED" else ""
        events: list[UserMessage] = []
        # CALCULATED is how a liquidation's execution is reported.
        if o.x in {"TRADE", "CALCULATED"} and exact(o.l) > ZERO:
            price, quantity = exact(o.L), exact(o.l)
            events.append(
                Fill(
                    at, (o.T or update.T) * NS_PER_MS, o.s, client_id, str(o.t), o.S, price, quantity,
                    fee_in_quote(exact(o.n), o.N, self._quote_asset, price * quantity), o.m,
                    None if o.rp is None else exact(o.rp), venue_id,
                )
            )  # fmt: skip
        events.append(OrderReport(at, ts, o.s, client_id, status, venue_id, exact(o.z), positive(o.ap), reason))
        return events

    def _algo(self, update: _AlgoUpdate, at: int) -> list[UserMessage]:
        o = update.o
        if o.ai and o.ai != "0":
            self.link(o.ai, o.caid)
        filled = amount(o.aq) or ZERO
        status = algo_status(o.X, amount(o.q) or ZERO, filled)
        if status is None:
            return []
        venue_id = o.ai if o.ai and o.ai != "0" else str(o.aid)
        return [OrderReport(at, update.T * NS_PER_MS, o.s, o.caid, status, venue_id, filled, amount(o.ap), o.rm[:200])]

    def _account(self, update: _AccountUpdate, at: int) -> list[UserMessage]:
        a = update.a
        if a.m == "ORDER":
            return []
        kind: Literal["funding", "transfer", "other"] = "other"
        if a.m == "FUNDING_FEE":
            kind = "funding"
        elif a.m in {"DEPOSIT", "WITHDRAW", "MARGIN_TRANSFER", "ASSET_TRANSFER", "ADMIN_DEPOSIT", "ADMIN_WITHDRAW"}:
            kind = "transfer"
        return [
            CashFlow(at, update.T * NS_PER_MS, kind, a.S, exact(b.bc), flow_id(a.m, update.T, a.S))
            for b in a.B
            if b.a == self._quote_asset and exact(b.bc) != ZERO
        ]


def algo_status(status: str, wanted: Decimal, filled: Decimal) -> OrderStatus | None:
    """A conditional order's status as an order's. FINISHED says only that the order it became is over: None where the
    filled quantity does not say how; that order's own report does. Raises DecodeError for an undocumented status."""
    if status in {"TRIGGERING", "TRIGGERED"}:
        return "TRIGGERED"
    if status == "FINISHED":
        return "FILLED" if filled > ZERO and filled >= wanted else None
    if status not in {"NEW", "CANCELED", "REJECTED", "EXPIRED"}:
        raise DecodeError(f"unknown conditional order status {status[:40]!r}")
    return ORDER_STATUS[status]


def flow_id(kind: str, time_ms: int, symbol: str) -> str:
    """One id for a payment, whether the stream told of it or the income endpoint, whose times differ by a little.

    >>> flow_id("FUNDING_FEE", 1_700_006_400_007, "BTCUSDT") == flow_id("FUNDING_FEE", 1_700_006_400_000, "BTCUSDT")
    True
    """
    if kind == "FUNDING_FEE":
        time_ms -= time_ms % 600_000
    return f"{kind}-{time_ms}-{symbol}"


def fee_in_quote(fee: Decimal, asset: str, quote_asset: str, notional: Decimal) -> Decimal:
    """The fee in the account's currency; one paid in another asset is taken as the taker fee of the notional.

    >>> fee_in_quote(Decimal("0.01"), "USDT", "USDT", Decimal(100))
    Decimal('0.01')
    >>> fee_in_quote(Decimal("0.0001"), "BNB", "USDT", Decimal(100))
    Decimal('0.0500')
    """
    return fee if asset in {quote_asset, ""} else notional * FALLBACK_FEE

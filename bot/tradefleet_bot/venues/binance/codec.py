"""Market frames of Binance USD-M as typed messages: one bad frame costs that frame and nothing else.

Protocol: https://developers.binance.com/docs/derivatives/usds-margined-futures (market streams; combined streams wrap
the payload as {"stream": …, "data": …}, raw streams send it bare, `!…@arr` streams send arrays of payloads).

Decoding is one pass in C: msgspec converts the decimal text to floats, checks ranges and picks the type by `e`.
"""

from collections import Counter
from collections.abc import Callable
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta, Struct

from tradefleet_bot.core.events import Levels, Liquidation, MarkPrice, OpenInterest, Quote, Side, Trade

NS_PER_MS: Final = 1_000_000
_SAMPLE_BYTES: Final = 200

Price = Annotated[float, Meta(gt=0, le=1e12)]
Quantity = Annotated[float, Meta(ge=0, le=1e15)]
Positive = Annotated[float, Meta(gt=0, le=1e15)]
Millis = Annotated[int, Meta(ge=0, le=9_000_000_000_000)]
"""Milliseconds since the epoch, below the year 2255: nanoseconds of it fit in 64 bits."""
UpdateId = Annotated[int, Meta(ge=0, le=2**63 - 1)]
_Levels = tuple[tuple[Price, Quantity], ...]


class DecodeError(ValueError):
    """The frame is not what the venue documents; the text says where, and quotes its beginning."""


class BookUpdate(Struct, frozen=True, gc=False):
    """A depth diff before its sequence is checked; quantities are absolute, 0 deletes. Ids as in the venue's docs."""

    at: int
    ts: int
    symbol: str
    first: int
    """`U`"""
    last: int
    """`u`"""
    previous: int
    """`pu`: the `u` of the event before this one in the stream."""
    bids: Levels
    asks: Levels


class BookImage(Struct, frozen=True, gc=False):
    """The REST depth snapshot, which does not name its symbol."""

    at: int
    ts: int
    last: int
    """`lastUpdateId`"""
    bids: Levels
    asks: Levels


class Reply(Struct, frozen=True, gc=False):
    """The answer to a SUBSCRIBE or another request on the stream; `error` is None when it was accepted."""

    at: int
    id: int | str | None
    error: str | None


Message = Trade | Quote | MarkPrice | Liquidation | OpenInterest | BookUpdate | BookImage | Reply


class _BookTicker(Struct, tag_field="e", tag="bookTicker", gc=False):
    u: UpdateId
    s: str
    b: Price
    B: Quantity
    a: Price
    A: Quantity
    T: Millis


class _AggTrade(Struct, tag_field="e", tag="aggTrade", gc=False):
    s: str
    p: Price
    q: Positive
    T: Millis
    m: bool


class _Trade(Struct, tag_field="e", tag="trade", gc=False):
    s: str
    p: Price
    q: Positive
    T: Millis
    m: bool
    X: str = "MARKET"


class _DepthUpdate(Struct, tag_field="e", tag="depthUpdate", gc=False):
    s: str
    T: Millis
    U: UpdateId
    u: UpdateId
    pu: UpdateId
    b: _Levels
    a: _Levels


class _MarkPriceUpdate(Struct, tag_field="e", tag="markPriceUpdate", gc=False):
    s: str
    E: Millis
    p: Price
    i: str = ""
    r: str = ""
    T: Millis = 0


class _ForceOrderBody(Struct, gc=False):
    s: str
    S: Side
    p: Price
    ap: Quantity
    q: Positive
    z: Quantity
    T: Millis


class _ForceOrder(Struct, tag_field="e", tag="forceOrder", gc=False):
    o: _ForceOrderBody


class _DepthImage(Struct, gc=False):
    lastUpdateId: UpdateId  # noqa: N815 - the venue's name
    bids: _Levels
    asks: _Levels
    T: Millis = 0


class _Reply(Struct, gc=False):
    id: int | str | None = None
    result: Any = None
    error: Any = None
    code: int | None = None
    msg: str | None = None


class _OpenInterest(Struct, gc=False):
    openInterest: Quantity  # noqa: N815 - the venue's name
    symbol: str
    time: Millis


class _Probe(Struct, gc=False):
    e: str | None = None


class _CombinedProbe(Struct, gc=False):
    data: _Probe


_Payload = _BookTicker | _Trade | _AggTrade | _DepthUpdate | _MarkPriceUpdate | _ForceOrder


class _Combined(Struct, gc=False):
    data: _Payload | list[_Payload]


_COMBINED: Final = msgspec.json.Decoder(_Combined, strict=False)
_BARE: Final = msgspec.json.Decoder(_Payload, strict=False)
_ARRAY: Final = msgspec.json.Decoder(list[_Payload], strict=False)
_IMAGE: Final = msgspec.json.Decoder(_DepthImage, strict=False)
_REPLY: Final = msgspec.json.Decoder(_Reply)
_OPEN_INTEREST: Final = msgspec.json.Decoder(_OpenInterest, strict=False)
_PROBE: Final = msgspec.json.Decoder(_Probe)
_COMBINED_PROBE: Final = msgspec.json.Decoder(_CombinedProbe)
_FAILURES: Final = (msgspec.MsgspecError, ValueError, RecursionError)
"""What msgspec raises on hostile bytes: its own errors, UnicodeDecodeError, and RecursionError on deep nesting."""


def decode(frame: bytes, at: int, ignored: Counter[str] | None = None) -> list[Message]:
    """Messages in one frame received at `at` (ns); an event type this bot has no use for is counted in `ignored`.

    Raises DecodeError, and nothing else, for anything that is not a well-formed frame.

    >>> decode(b'{"e":"aggTrade","s":"BTCUSDT","p":"100.5","q":"2","T":1700000000000,"m":true}', 7)
    [Trade(at=7, ts=1700000000000000000, symbol='BTCUSDT', price=100.5, quantity=2.0, side='SELL')]
    """
    try:
        if frame.startswith(b'{"stream"'):
            data = _COMBINED.decode(frame).data
            if type(data) is list:
                return [message for payload in data for message in _BUILD[type(payload)](payload, at)]
            return _BUILD[type(data)](data, at)
        if frame.startswith(b"["):
            return [message for payload in _ARRAY.decode(frame) for message in _BUILD[type(payload)](payload, at)]
        payload = _BARE.decode(frame)
        return _BUILD[type(payload)](payload, at)
    except _FAILURES as error:
        return _unusual(frame, at, ignored, error)


def decode_open_interest(body: bytes, at: int) -> OpenInterest:
    """The reply of GET /fapi/v1/openInterest (one-sided, base units). Raises DecodeError."""
    try:
        reply = _OPEN_INTEREST.decode(body)
    except _FAILURES as error:
        raise _decode_error(body, error) from None
    return OpenInterest(at, reply.time * NS_PER_MS, reply.symbol, reply.openInterest)


def decode_image(body: bytes, at: int) -> BookImage:
    """The reply of GET /fapi/v1/depth. Raises DecodeError."""
    try:
        image = _IMAGE.decode(body)
    except _FAILURES as error:
        raise _decode_error(body, error) from None
    return BookImage(at, image.T * NS_PER_MS or at, image.lastUpdateId, image.bids, image.asks)


def _unusual(frame: bytes, at: int, ignored: Counter[str] | None, error: Exception) -> list[Message]:
    """The rare shapes, tried only after the common ones failed: replies, snapshots, event types not needed here."""
    try:
        kind = _COMBINED_PROBE.decode(frame).data.e if frame.startswith(b'{"stream"') else _PROBE.decode(frame).e
        if kind is not None:
            if kind in _KINDS:
                raise _decode_error(frame, error)
            if ignored is not None:
                ignored[kind if kind in _KNOWN_UNUSED else "unknown"] += 1
            return []
        if b'"lastUpdateId"' in frame:
            return [decode_image(frame, at)]
        if b'"openInterest"' in frame:
            return [decode_open_interest(frame, at)]
        reply = _REPLY.decode(frame)
    except DecodeError:
        raise
    except _FAILURES:
        raise _decode_error(frame, error) from None
    if reply.code is not None or reply.error is not None:
        return [Reply(at, reply.id, str(reply.msg or reply.error))]
    if reply.id is None:
        raise _decode_error(frame, error)
    return [Reply(at, reply.id, None)]


def _decode_error(frame: bytes, error: Exception) -> DecodeError:
    return DecodeError(f"{error}: {frame[:_SAMPLE_BYTES]!r}")


def _book_ticker(m: _BookTicker, at: int) -> list[Message]:
    return [Quote(at, m.T * NS_PER_MS, m.s, m.b, m.B, m.a, m.A)]


def _agg_trade(m: _AggTrade, at: int) -> list[Message]:
    return [Trade(at, m.T * NS_PER_MS, m.s, m.p, m.q, "SELL" if m.m else "BUY")]


def _trade(m: _Trade, at: int) -> list[Message]:
    # Insurance-fund and ADL prints are not market trades; aggTrade leaves them out as well.
    return [Trade(at, m.T * NS_PER_MS, m.s, m.p, m.q, "SELL" if m.m else "BUY")] if m.X == "MARKET" else []


def _depth_update(m: _DepthUpdate, at: int) -> list[Message]:
    return [BookUpdate(at, m.T * NS_PER_MS, m.s, m.U, m.u, m.pu, m.b, m.a)]


def _mark_price(m: _MarkPriceUpdate, at: int) -> list[Message]:
    # Delivery contracts have "" for funding and 0 for its time: unknown, not zero.
    index, rate = _number(m.i), _number(m.r)
    if index is not None and not 0 < index <= 1e12:
        index = None
    if rate is not None and not -1 < rate < 1:
        rate = None
    return [MarkPrice(at, m.E * NS_PER_MS, m.s, m.p, index, rate, m.T * NS_PER_MS or None)]


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _force_order(m: _ForceOrder, at: int) -> list[Message]:
    o = m.o
    return [Liquidation(at, o.T * NS_PER_MS, o.s, o.ap or o.p, o.z or o.q, o.S)]


_BUILD: Final[dict[type, Callable[[Any, int], list[Message]]]] = {
    _BookTicker: _book_ticker,
    _AggTrade: _agg_trade,
    _Trade: _trade,
    _DepthUpdate: _depth_update,
    _MarkPriceUpdate: _mark_price,
    _ForceOrder: _force_order,
}
_KINDS: Final = frozenset({"bookTicker", "aggTrade", "trade", "depthUpdate", "markPriceUpdate", "forceOrder"})
_KNOWN_UNUSED: Final = frozenset(
    {"kline", "continuous_kline", "24hrTicker", "24hrMiniTicker", "contractInfo", "assetIndexUpdate", "compositeIndex",
     "serverShutdown"}
)  # fmt: skip
"""Named in the count of ignored events; anything else counts as `unknown`, so that the set of labels is bounded."""

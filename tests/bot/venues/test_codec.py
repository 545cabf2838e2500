"""The codec: documented frames become events, anything else one typed error."""

import json
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradefleet_bot.core.events import Liquidation, MarkPrice, OpenInterest, Quote, Trade
from tradefleet_bot.venues.binance.codec import (
    BookImage,
    BookUpdate,
    DecodeError,
    Reply,
    decode,
    decode_image,
    decode_open_interest,
)

AT = 1_791_565_603_055_000_000
MS = 1_000_000
# Frames as the venue's live streams send them (2026), unknown fields included.
AGG_TRADE = (
    '{"e":"aggTrade","E":1790526539033,"a":3466782974,"s":"BTCUSDT","p":"84551.10","q":"0.030","nq":"0.030",'
    '"f":8123344783,"l":8123344783,"T":1790526538883,"m":false,"st":1}'
)
TRADE = '{"e":"trade","E":5,"T":4,"s":"BTCUSDT","t":5266583935,"p":"61800.30","q":"0.006","X":"MARKET","m":true}'
BOOK_TICKER = (
    '{"e":"bookTicker","u":11671659685961,"s":"BTCUSDT","ps":"BTCUSDT","b":"84551.00","B":"2.646","a":"84551.10",'
    '"A":"5.302","T":9,"E":10,"st":1}'
)
DEPTH = (
    '{"e":"depthUpdate","E":10,"T":9,"s":"BTCUSDT","ps":"BTCUSDT","U":3,"u":5,"pu":2,"b":[["1000.00","139.491"]],'
    '"a":[["9001","0"]],"st":1}'
)
MARK = (
    '{"e":"markPriceUpdate","E":10,"s":"BTCUSDT","p":"11185.87","ap":"1","i":"11784.62","P":"1","r":"0.00038167",'
    '"T":1562306400000,"st":1}'
)
FORCE_ORDER = (
    '{"e":"forceOrder","E":1791565603055,"o":{"s":"BTCUSDT","S":"SELL","o":"LIMIT","f":"IOC","q":"0.190",'
    '"p":"82338.30","ap":"82651.90","X":"FILLED","l":"0.155","z":"0.190","T":1791565602120,"ps":"BTCUSDT","st":1}}'
)
EXPECTED = {
    AGG_TRADE: Trade(AT, 1790526538883 * MS, "BTCUSDT", 84551.1, 0.03, "BUY"),
    TRADE: Trade(AT, 4 * MS, "BTCUSDT", 61800.3, 0.006, "SELL"),
    BOOK_TICKER: Quote(AT, 9 * MS, "BTCUSDT", 84551.0, 2.646, 84551.1, 5.302),
    DEPTH: BookUpdate(AT, 9 * MS, "BTCUSDT", 3, 5, 2, ((1000.0, 139.491),), ((9001.0, 0.0),)),
    MARK: MarkPrice(AT, 10 * MS, "BTCUSDT", 11185.87, 11784.62, 0.00038167, 1562306400000 * MS),
    FORCE_ORDER: Liquidation(AT, 1791565602120 * MS, "BTCUSDT", 82651.9, 0.19, "SELL"),
}


@pytest.mark.parametrize("payload", EXPECTED, ids=lambda p: json.loads(p)["e"])
def test_each_documented_frame_bare_and_combined(payload: str) -> None:
    assert decode(payload.encode(), AT) == [EXPECTED[payload]]
    combined = f'{{"stream":"btcusdt@x","data":{payload}}}'
    assert decode(combined.encode(), AT) == [EXPECTED[payload]]


def test_arrays_of_payloads() -> None:
    assert decode(f"[{MARK},{MARK}]".encode(), AT) == [EXPECTED[MARK]] * 2
    assert decode(f'{{"stream":"!markPrice@arr@1s","data":[{MARK}]}}'.encode(), AT) == [EXPECTED[MARK]]


def test_unknown_funding_is_none_never_zero() -> None:
    delivery = MARK.replace('"0.00038167"', '""').replace("1562306400000", "0")
    assert decode(delivery.encode(), AT) == [MarkPrice(AT, 10 * MS, "BTCUSDT", 11185.87, 11784.62, None, None)]


def test_a_print_of_the_insurance_fund_is_no_market_trade() -> None:
    assert decode(TRADE.replace("MARKET", "INSURANCE_FUND").encode(), AT) == []


def test_replies_on_the_stream() -> None:
    assert decode(b'{"result":null,"id":1}', AT) == [Reply(AT, 1, None)]
    refusal = b'{"code":2,"msg":"Invalid request: request ID must be an unsigned integer"}'
    assert decode(refusal, AT) == [Reply(AT, None, "Invalid request: request ID must be an unsigned integer")]
    [reply] = decode(b'{"error":{"code":3,"msg":"Invalid JSON"},"id":4}', AT)
    assert isinstance(reply, Reply)
    assert reply.error is not None


def test_rest_replies() -> None:
    body = b'{"lastUpdateId":7,"E":10,"T":9,"bids":[["4.0","431"]],"asks":[["4.2","12"]]}'
    assert decode_image(body, AT) == BookImage(AT, 9 * MS, 7, ((4.0, 431.0),), ((4.2, 12.0),))
    assert decode(body, AT) == [decode_image(body, AT)]
    interest = b'{"openInterest":"10659.509","symbol":"BTCUSDT","time":1589437530011}'
    assert decode_open_interest(interest, AT) == OpenInterest(AT, 1589437530011 * MS, "BTCUSDT", 10659.509)


def test_event_types_without_use_are_ignored_and_counted_under_bounded_names() -> None:
    ignored: Counter[str] = Counter()
    assert decode(b'{"e":"kline","s":"BTCUSDT","k":{}}', AT, ignored) == []
    for n in range(50):
        assert decode(f'{{"stream":"x","data":{{"e":"new{n}"}}}}'.encode(), AT, ignored) == []
    assert ignored == {"kline": 1, "unknown": 50}


@pytest.mark.parametrize(
    "frame",
    [
        b"",
        b"null",
        b"{}",
        b"[1]",
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"stream":"x","data":' + b"[" * 100_000,
        b'{"e":1}',
        AGG_TRADE.replace('"84551.10"', '"nan"').encode(),
        AGG_TRADE.replace('"84551.10"', '"inf"').encode(),
        AGG_TRADE.replace('"84551.10"', '"-1"').encode(),
        AGG_TRADE.replace('"84551.10"', '"0"').encode(),
        AGG_TRADE.replace("1790526538883", "9" * 40).encode(),
        AGG_TRADE.replace("1790526538883", "-1").encode(),
        AGG_TRADE.replace("BTCUSDT", "\\ud800").encode(),
        DEPTH.replace('"pu":2', '"pu":18446744073709551616').encode(),
        DEPTH.replace('"pu":2,', "").encode(),
        FORCE_ORDER.replace("SELL", "LEFT").encode(),
    ],
)
def test_bad_frames_raise_the_one_error(frame: bytes) -> None:
    with pytest.raises(DecodeError):
        decode(frame, AT)


@given(st.binary(max_size=300))
def test_arbitrary_bytes_give_messages_or_the_one_error(frame: bytes) -> None:
    _decodes_or_refuses(frame)


@given(st.sampled_from(list(EXPECTED)), st.integers(0, 10_000), st.binary(max_size=4), st.booleans())
def test_damaged_frames_give_messages_or_the_one_error(payload: str, where: int, patch: bytes, envelope: bool) -> None:
    frame = (f'{{"stream":"s","data":{payload}}}' if envelope else payload).encode()
    where %= len(frame)
    _decodes_or_refuses(frame[:where] + patch + frame[where + len(patch) :])
    _decodes_or_refuses(frame[:where] + patch + frame[where:])


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("esSpqTEUubaodXmir"), inner, max_size=9)
    ),
    max_leaves=20,
)


@given(_JSON, st.sampled_from(["aggTrade", "bookTicker", "depthUpdate", "forceOrder", "markPriceUpdate", "trade"]))
def test_the_right_names_with_wrong_values(body: object, kind: str) -> None:
    if isinstance(body, dict):
        body["e"] = kind
    _decodes_or_refuses(json.dumps(body).encode())
    _decodes_or_refuses(json.dumps({"stream": "s", "data": body}).encode())


def _decodes_or_refuses(frame: bytes) -> None:
    try:
        messages = decode(frame, AT, Counter())
    except DecodeError:
        return
    for message in messages:
        if isinstance(message, Trade):
            assert 0 < message.price <= 1e12
            assert 0 < message.quantity <= 1e15
            assert 0 <= message.ts < 2**63
        if isinstance(message, Quote):
            assert 0 < message.bid <= 1e12
            assert 0 < message.ask <= 1e12

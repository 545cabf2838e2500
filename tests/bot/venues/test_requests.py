"""Requests, signatures, refusals and budgets: the venue's published vectors and tables."""

from decimal import Decimal
from urllib.parse import parse_qsl, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradefleet_bot.core.orders.intent import OrderIntent
from tradefleet_bot.venues.backoff import Backoff
from tradefleet_bot.venues.binance import rest, streams
from tradefleet_bot.venues.binance.auth import Credentials, encode, sign, signed_query
from tradefleet_bot.venues.binance.errors import failure
from tradefleet_bot.venues.binance.limits import NS, RateLimits
from tradefleet_bot.venues.clock import VenueClock

D = Decimal
# The venue's own example (general-info, HMAC-SHA256).
SECRET = "2b5eb11e18796d12d88f13dc27dbbd02c2cc51ff7059765ed9821957d82bb4d9"
PAYLOAD = (
    "symbol=BTCUSDT&side=BUY&type=LIMIT&quantity=1&price=9000&timeInForce=GTC&recvWindow=5000&timestamp=1591702613943"
)
SIGNATURE = "3c661234138461fcc7a7d8746c6558c9842d4e10870d2ecbedf7777cad694af9"
ENTRY = OrderIntent("tf-1-a-e0", "BTCUSDT", "BUY", "entry", "LIMIT", D("0.010"), D("84551.10"), time_in_force="IOC")
STOP = OrderIntent("tf-1-a-s0", "BTCUSDT", "SELL", "stop", "STOP_MARKET", D("0.01"), trigger=D("84000.0"))


def test_the_published_signature() -> None:
    assert sign(SECRET, PAYLOAD) == SIGNATURE


def test_a_signed_query_ends_with_its_signature() -> None:
    params = [p for p in parse_qsl(PAYLOAD) if p[0] not in {"recvWindow", "timestamp"}]
    assert signed_query(params, Credentials("k", SECRET), 1591702613943) == f"{PAYLOAD}&signature={SIGNATURE}"


def test_values_are_percent_encoded_before_signing() -> None:
    query = signed_query([("x", "a b&c")], Credentials("k", "s"), 1)
    assert query.startswith("x=a+b%26c&")
    assert query.endswith(sign("s", query.rpartition("&signature=")[0]))


def test_the_secret_is_in_no_repr() -> None:
    assert "hunter2" not in repr(Credentials("k", "hunter2"))


def test_a_signed_request_without_a_key_is_not_built() -> None:
    with pytest.raises(ValueError, match="needs an API key"):
        rest.BALANCE.query(None, 1)


def _params(order: OrderIntent) -> dict[str, str]:
    return dict(rest.place(order).params)


def test_a_limit_order() -> None:
    request = rest.place(ENTRY)
    assert (request.method, request.path, request.orders, request.urgent) == ("POST", "/fapi/v1/order", 1, False)
    assert dict(request.params) == {
        "symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "IOC", "quantity": "0.010",
        "price": "84551.10", "newClientOrderId": "tf-1-a-e0", "newOrderRespType": "RESULT",
    }  # fmt: skip


def test_conditional_orders_go_to_the_algo_service() -> None:
    request = rest.place(STOP)
    assert (request.method, request.path) == ("POST", "/fapi/v1/algoOrder")
    assert _params(STOP)["quantity"] == "0.01"
    closing = OrderIntent("s", "BTCUSDT", "SELL", "stop", "STOP_MARKET", D(1), trigger=D(9), close_position=True,
                          reduce_only=True)  # fmt: skip
    params = _params(closing)
    assert params["closePosition"] == "true"
    assert "quantity" not in params  # -4137
    assert "reduceOnly" not in params


def test_reduce_only_is_said_and_urgent() -> None:
    closing = OrderIntent("x", "BTCUSDT", "SELL", "exit", "LIMIT", D(1), D(9), reduce_only=True)
    assert _params(closing)["reduceOnly"] == "true"
    assert rest.place(closing).urgent


@pytest.mark.parametrize("order", [ENTRY, STOP], ids=["limit", "conditional"])
def test_an_order_without_its_price_is_never_sent(order: OrderIntent) -> None:
    with pytest.raises(ValueError, match="price"):
        rest.place(OrderIntent("x", "BTCUSDT", "BUY", "entry", order.kind, D(1)))


def test_stream_urls_use_the_venue_s_routes() -> None:
    symbols, kinds = ["BTCUSDT", "ETHUSDT"], {"quote", "depth", "trade", "mark"}
    public = streams.url("wss://h", "public", symbols, kinds)  # type: ignore[arg-type]  # a set of str literals
    assert public == (
        "wss://h/public/stream?streams=btcusdt@bookTicker/btcusdt@depth@100ms/ethusdt@bookTicker/ethusdt@depth@100ms"
    )
    assert "@aggTrade" in streams.url("wss://h", "market", symbols, kinds)  # type: ignore[arg-type]  # as above


@pytest.mark.parametrize(
    ("status", "body", "family"),
    [
        (400, '{"code":-1021,"msg":"Timestamp for this request is outside of the recvWindow."}', "retry"),
        (429, '{"code":-1003,"msg":"Too many requests."}', "retry"),
        (418, '{"code":-1003,"msg":"Way too many; IP banned until 1700000060000."}', "retry"),
        (429, '{"code":-1015,"msg":"Too many new orders."}', "retry"),
        (403, "<html>", "retry"),
        (503, '{"code":-1008,"msg":"Server is currently overloaded."}', "retry"),
        (503, '{"msg":"Service Unavailable."}', "retry"),
        (503, '{"msg":"Internal error; unable to process your request. Please try again."}', "retry"),
        (503, '{"msg":"Unknown error, please check your request or try again later."}', "unknown"),
        (503, "", "unknown"),
        (408, "", "unknown"),
        (502, "<html>Bad Gateway", "unknown"),
        (500, '{"code":-1000,"msg":"An unknown error occurred."}', "unknown"),
        (400, '{"code":-1001,"msg":"Internal error."}', "unknown"),
        (400, '{"code":-1007,"msg":"Timeout waiting for response."}', "unknown"),
        (400, '{"code":-4116,"msg":"clientOrderId is duplicated"}', "unknown"),
        (400, '{"code":-2019,"msg":"Margin is insufficient."}', "stop"),
        (400, '{"code":-4120,"msg":"Order type not supported for this endpoint."}', "stop"),
        (401, '{"code":-2015,"msg":"Invalid API-key, IP, or permissions for action."}', "stop"),
        (400, '{"code":-98765,"msg":"something new"}', "stop"),
        (404, "not json", "stop"),
        (200, "not json", "unknown"),
    ],
)
def test_families(status: int, body: str, family: str) -> None:
    assert failure(status, body.encode(), {}, 1_700_000_000_000).family == family


def test_how_long_to_wait() -> None:
    now = 1_700_000_000_000
    banned = failure(418, b'{"code":-1003,"msg":"IP banned until 1700000060000."}', {}, now)
    assert banned.retry_after == 60 * NS
    assert failure(429, b"{}", {"Retry-After": "7"}, now).retry_after == 7 * NS
    assert failure(429, b"{}", {"Retry-After": "soon"}, now).retry_after > 0


@given(st.integers(100, 599), st.binary(max_size=80), st.text(max_size=12))
def test_any_reply_is_a_failure_of_some_family(status: int, body: bytes, header: str) -> None:
    assert failure(status, body, {"Retry-After": header}, 0).family in {"retry", "stop", "unknown"}


def test_budgets_refuse_before_the_venue_does_and_keep_a_reserve() -> None:
    limits = RateLimits(weight=100, orders_10s=10)
    at = 1_700_000_040 * NS
    heavy = rest.depth("BTCUSDT")
    for _ in range(4):
        assert limits.wait(heavy, at) == 0
        limits.sent(heavy, at)
    assert limits.wait(heavy, at) > 0  # 80 of 100 used: the rest is the reserve
    assert limits.wait(rest.cancel("BTCUSDT", "x", conditional=False), at) == 0
    assert limits.wait(heavy, at + limits.wait(heavy, at)) == 0
    for _ in range(8):
        limits.sent(rest.place(ENTRY), at)
    assert limits.wait(rest.place(ENTRY), at) > 0
    assert limits.wait(rest.place(STOP), at) == 0  # a protective stop may use the reserve


def test_the_venue_s_own_count_wins() -> None:
    limits = RateLimits()
    limits.replied({"X-MBX-USED-WEIGHT-1M": "2399", "X-MBX-ORDER-COUNT-10S": "junk"}, 60 * NS)
    assert limits.wait(rest.depth("BTCUSDT"), 61 * NS) == 59 * NS


def test_a_ban_closes_everything() -> None:
    limits = RateLimits()
    refused = failure(418, b'{"code":-1003,"msg":"x"}', {}, 0)
    limits.refused(418, refused, 5 * NS)
    assert limits.wait(rest.cancel("BTCUSDT", "x", conditional=False), 6 * NS) == 119 * NS


@given(st.lists(st.integers(0, 40), max_size=40), st.floats(0, 1))
def test_backoff_is_jittered_bounded_and_grows(resets: list[int], share: float) -> None:
    backoff = Backoff(lambda low, high: low + share * (high - low), base=0.25, cap=30)
    for n in range(40):
        if n in resets:
            backoff.reset()
        assert 0 <= backoff.next() <= 30


class _Times:
    def __init__(self) -> None:
        self.monotonic = 10**12
        self.wall = 1_700_000_000 * NS

    def pass_by(self, ns: int) -> None:
        self.monotonic += ns
        self.wall += ns


@given(
    offset_ms=st.integers(-100_000, 100_000),
    trips=st.lists(
        st.tuples(st.integers(1, 200), st.integers(1, 200), st.integers(0, 60_000)), min_size=1, max_size=20
    ),
)
def test_the_venue_s_time_lies_within_the_bounds(offset_ms: int, trips: list[tuple[int, int, int]]) -> None:
    times = _Times()
    clock = VenueClock(lambda: times.monotonic, lambda: times.wall)
    assert clock.error is None
    last = 0
    for there, back, pause in trips:
        times.pass_by(pause * 1_000_000)
        sent = times.monotonic
        times.pass_by(there * 1_000_000)
        server_ms = times.wall // 1_000_000 + offset_ms
        times.pass_by(back * 1_000_000)
        clock.sample(sent, times.monotonic, server_ms)
        assert clock.error is not None
        assert clock.error <= (there + back + 1) * 1_000_000
        truth = times.wall + offset_ms * 1_000_000
        assert abs(times.wall + clock.offset - truth) <= clock.error + 1
        assert clock.now() >= last
        last = clock.now()


def test_a_stepped_clock_starts_the_estimate_anew() -> None:
    times = _Times()
    clock = VenueClock(lambda: times.monotonic, lambda: times.wall)
    clock.sample(times.monotonic, times.monotonic + 1000, 1_700_000_000_000)
    clock.sample(times.monotonic, times.monotonic + 1000, 1_700_000_500_000)
    assert abs(clock.offset - 500 * NS) < 2_000_000


@given(
    st.lists(
        st.tuples(st.sampled_from(["symbol", "x"]), st.text(max_size=6) | st.from_regex(r"[\w.-]{0,9}")), max_size=4
    )
)
def test_the_quick_encoding_is_the_standard_one(params: list[tuple[str, str]]) -> None:
    assert encode(params) == urlencode(params)

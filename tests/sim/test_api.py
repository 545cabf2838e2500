"""The REST API without sockets: signatures, errors, filters, limits, and that no request makes it fall over."""

import json
from urllib.parse import urlencode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.simulator import PUBLIC_SECRET, signed

from tradefleet_sim.binance import auth
from tradefleet_sim.binance.api import Desk, Request, handle
from tradefleet_sim.binance.publisher import Publisher
from tradefleet_sim.engine.exchange import Exchange
from tradefleet_sim.instruments import BTCUSDT
from tradefleet_sim.market.events import Mark, Print, Snapshot
from tradefleet_sim.server import TABLE

NOW = 1_700_000_000_000
MID = 600_000
ORDER = "/fapi/v1/order"
ALGO = "/fapi/v1/algoOrder"
LIMIT = {
    "symbol": "BTCUSDT",
    "side": "BUY",
    "type": "LIMIT",
    "timeInForce": "GTC",
    "quantity": "0.010",
    "price": "59000",
}
MARKET = {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": "0.010"}
STOP = {"symbol": "BTCUSDT", "side": "SELL", "type": "STOP_MARKET", "algoType": "CONDITIONAL", "triggerPrice": "59000"}


class Venue:
    """The API on a still market around 60,000: 1 BTC on each level."""

    def __init__(self) -> None:
        self.exchange = Exchange([BTCUSDT])
        rows = [[(MID - i, 1000) for i in range(50)], [(MID + 1 + i, 1000) for i in range(50)]]
        self.exchange.market("BTCUSDT", Snapshot(NOW, 100, *rows))
        self.exchange.market("BTCUSDT", Mark(NOW, "60000.00000000", "60001.0", "60001.0", "0.00010000", NOW + 9000))
        state = self.exchange.state.symbols["BTCUSDT"]
        self.desk = Desk(self.exchange, publishers={"BTCUSDT": Publisher(state, lambda _: False)})
        self.now = NOW
        self.exchange.market("BTCUSDT", Print(NOW, MID, 5, True))
        self.publish()

    def publish(self) -> None:
        for event in self.exchange.drain():
            if hasattr(event, "symbol"):
                list(self.desk.publishers["BTCUSDT"].on(event))

    def raw(self, method, path, query="", body="", *, key="test", address="1.2.3.4"):
        reply = handle(self.desk, TABLE, Request(method, path, query, body, key, address, self.now))
        self.publish()
        return reply

    def call(self, method, path, /, **params):
        params = {name: value for name, value in params.items() if value is not None}
        reply = self.raw(method, path, signed({**params, "timestamp": self.now}))
        return reply.status, json.loads(reply.body)

    def ok(self, method, path, /, **params):
        status, body = self.call(method, path, **params)
        assert status == 200, body
        return body

    def code(self, method, path, /, **params):
        status, body = self.call(method, path, **params)
        assert status == 400, body
        assert set(body) == {"code", "msg"}
        return body["code"]


@pytest.fixture
def venue():
    return Venue()


def test_the_venues_own_signature_vector():
    secret = "2b5eb11e18796d12d88f13dc27dbbd02c2cc51ff7059765ed9821957d82bb4d9"
    payload = (
        "symbol=BTCUSDT&side=BUY&type=LIMIT&quantity=1&price=9000&timeInForce=GTC"
        "&recvWindow=5000&timestamp=1591702613943"
    )
    expected = "3c661234138461fcc7a7d8746c6558c9842d4e10870d2ecbedf7777cad694af9"
    assert auth.sign(secret, payload) == expected
    auth.check_signature(secret, f"{payload}&signature={expected}", "")
    auth.check_signature(secret, "", f"{payload}&signature={expected}")


def test_query_and_body_are_signed_together_without_a_separator(venue):
    query, body = urlencode({**LIMIT, "timestamp": NOW}), "newClientOrderId=abc"
    signature = auth.sign(PUBLIC_SECRET, query + body)
    reply = venue.raw("POST", ORDER, query, f"{body}&signature={signature}")
    assert json.loads(reply.body)["clientOrderId"] == "abc"
    assert (
        venue.raw("POST", ORDER, query, f"{body}&signature={auth.sign(PUBLIC_SECRET, f'{query}&{body}')}").status == 400
    )


@pytest.mark.parametrize(
    ("query", "key", "status", "code"),
    [
        (signed({"timestamp": NOW}, "wrong"), "test", 400, -1022),
        (urlencode({"timestamp": NOW}), "test", 400, -1102),
        (signed({}), "test", 400, -1102),
        (signed({"timestamp": NOW}), None, 401, -2014),
        (signed({"timestamp": NOW}), "a b", 401, -2014),
        (signed({"timestamp": NOW + 1000}), "test", 400, -1021),
        (signed({"timestamp": NOW - 5001}), "test", 400, -1021),
        (signed({"timestamp": NOW - 59_999, "recvWindow": 60_000}), "test", 200, None),
        (signed({"timestamp": NOW - 5000}), "test", 200, None),
        (signed({"timestamp": NOW + 999}), "test", 200, None),
        (signed({"timestamp": NOW, "recvWindow": 60_001}), "test", 400, -1131),
        (signed({"timestamp": "soon"}), "test", 400, -1102),
    ],
)
def test_who_may_ask_and_when(venue, query, key, status, code):
    reply = venue.raw("GET", "/fapi/v3/account", query, key=key)
    assert reply.status == status, reply.body
    assert json.loads(reply.body).get("code") == code


def test_keys_have_the_public_secret_until_they_are_registered(venue):
    venue.desk.keys.secrets["mine"] = "s3cret"
    for key in ("mine", "mine/sub1"):
        assert venue.raw("GET", "/fapi/v3/account", signed({"timestamp": NOW}), key=key).status == 400
        assert venue.raw("GET", "/fapi/v3/account", signed({"timestamp": NOW}, "s3cret"), key=key).status == 200
    venue.desk.keys.revoked.add("mine")
    reply = venue.raw("GET", "/fapi/v3/account", signed({"timestamp": NOW}, "s3cret"), key="mine")
    assert (reply.status, json.loads(reply.body)["code"]) == (401, -2015)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"symbol": "NOPEUSDT"}, -1121),
        ({"symbol": None}, -1102),
        ({"side": "UP"}, -1117),
        ({"type": "STOP_MARKET"}, -4120),
        ({"type": "TAKE_PROFIT"}, -4120),
        ({"type": "TRAILING_STOP_MARKET"}, -4120),
        ({"type": "ICEBERG"}, -1116),
        ({"timeInForce": None}, -1102),
        ({"timeInForce": "DAY"}, -1115),
        ({"quantity": None}, -1102),
        ({"quantity": "x"}, -1102),
        ({"quantity": "1e3"}, -1102),
        ({"quantity": "-1"}, -4003),
        ({"quantity": "0"}, -4003),
        ({"quantity": "0.0005"}, -1111),
        ({"quantity": "1001"}, -4005),
        ({"price": None}, -1102),
        ({"price": "0"}, -4001),
        ({"price": "59000.05"}, -4014),
        ({"price": "59000.001"}, -1111),
        ({"price": "4529764.1"}, -4002),
        ({"price": "556.7"}, -4013),
        ({"price": "63000.1"}, -4016),
        ({"price": "56999.9", "side": "SELL"}, -4024),
        ({"quantity": "0.0008"}, -1111),
        ({"price": "49000", "quantity": "0.001"}, -4164),
        ({"positionSide": "LONG"}, -4061),
        ({"priceMatch": "OPPONENT"}, -4084),
        ({"selfTradePreventionMode": "EXPIRE_BOTH"}, -4084),
        ({"timeInForce": "GTD"}, -1115),
        ({"reduceOnly": "true"}, -2022),
        ({"reduceOnly": "maybe"}, -1102),
        ({"newClientOrderId": "not valid!"}, -4015),
        ({"newClientOrderId": "x" * 37}, -4015),
        ({"newOrderRespType": "FULL"}, -1100),
        ({"timeInForce": "GTX", "price": "60000.1"}, -5022),
        ({"timeInForce": "FOK", "price": "60000.1", "quantity": "2"}, -5021),
        ({"quantity": "10"}, -2019),
    ],
)
def test_what_a_limit_order_is_refused_for(venue, change, code):
    assert venue.code("POST", ORDER, **(LIMIT | change)) == code
    assert not venue.exchange.account("test", NOW).orders


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"price": "60000"}, -1106),
        ({"timeInForce": "GTC"}, -1106),
        ({"quantity": "121"}, -4005),
        ({"quantity": "0.0001"}, -1111),
        ({"quantity": "100"}, -2019),
    ],
)
def test_what_a_market_order_is_refused_for(venue, change, code):
    assert venue.code("POST", ORDER, **(MARKET | change)) == code


def test_small_orders_are_refused_unless_they_only_reduce(venue):
    assert venue.ok("POST", ORDER, **MARKET)["status"] == "NEW"
    assert venue.code("POST", ORDER, **(LIMIT | {"price": "57000", "quantity": "0.0"})) == -4003
    small = LIMIT | {"side": "SELL", "price": "60100", "quantity": "0.001"}
    assert venue.ok("POST", ORDER, **small)["status"] == "NEW"  # 60.1 USDT
    venue.exchange.state.symbols["BTCUSDT"].mark = 40_000 * 10**8
    tiny = LIMIT | {"side": "SELL", "price": "40000", "quantity": "0.001"}
    assert venue.code("POST", ORDER, **tiny) == -4164
    assert venue.code("POST", ORDER, **(MARKET | {"side": "SELL", "quantity": "0.001"})) == -4164
    done = venue.ok("POST", ORDER, **(MARKET | {"side": "SELL", "quantity": "0.001"}), reduceOnly="true")
    assert done["reduceOnly"] is True


def test_an_order_from_placement_to_its_trade(venue):
    acknowledged = venue.ok("POST", ORDER, **MARKET, newClientOrderId="m1")
    assert (acknowledged["status"], acknowledged["executedQty"]) == ("NEW", "0.000")
    found = venue.ok("GET", ORDER, symbol="BTCUSDT", origClientOrderId="m1")
    assert (found["status"], found["avgPrice"], found["executedQty"]) == ("FILLED", "60000.10000", "0.010")
    result = venue.ok("POST", ORDER, **MARKET, newOrderRespType="RESULT")
    assert (result["status"], result["executedQty"]) == ("FILLED", "0.010")
    trades = venue.ok("GET", "/fapi/v1/userTrades", symbol="BTCUSDT")
    assert [trade["orderId"] for trade in trades] == [found["orderId"], result["orderId"]]
    assert trades[0] | {"id": 0, "time": 0} == {
        "buyer": True,
        "commission": "0.30000050",
        "commissionAsset": "USDT",
        "id": 0,
        "maker": False,
        "orderId": found["orderId"],
        "price": "60000.10",
        "qty": "0.010",
        "quoteQty": "600.00100000",
        "realizedPnl": "0.00000000",
        "side": "BUY",
        "positionSide": "BOTH",
        "symbol": "BTCUSDT",
        "time": 0,
    }
    position = venue.ok("GET", "/fapi/v3/positionRisk", symbol="BTCUSDT")[0]
    assert (position["positionAmt"], position["entryPrice"]) == ("0.020", "60000.10000000")
    assert position["unRealizedProfit"] == "-0.00200000"
    balance = venue.ok("GET", "/fapi/v3/balance")[0]
    assert (balance["balance"], balance["asset"]) == ("9999.39999900", "USDT")
    assert len(balance["accountAlias"]) == 12
    account = venue.ok("GET", "/fapi/v3/account")
    assert [row["symbol"] for row in account["positions"]] == ["BTCUSDT"]
    assert account["totalWalletBalance"] == balance["balance"]
    kinds = {row["incomeType"] for row in venue.ok("GET", "/fapi/v1/income")}
    assert kinds == {"TRANSFER", "COMMISSION"}


def test_open_orders_are_found_cancelled_and_remembered(venue):
    first = venue.ok("POST", ORDER, **LIMIT, newClientOrderId="a")
    assert venue.code("POST", ORDER, **LIMIT, newClientOrderId="a") == -4116
    second = venue.ok("POST", ORDER, **LIMIT)
    ids = [first["orderId"], second["orderId"]]
    assert [row["orderId"] for row in venue.ok("GET", "/fapi/v1/openOrders", symbol="BTCUSDT")] == ids
    assert venue.ok("GET", "/fapi/v1/openOrder", symbol="BTCUSDT", orderId=ids[0])["clientOrderId"] == "a"
    assert venue.ok("DELETE", ORDER, symbol="BTCUSDT", origClientOrderId="a")["status"] == "CANCELED"
    assert venue.code("DELETE", ORDER, symbol="BTCUSDT", origClientOrderId="a") == -2011
    assert venue.code("GET", "/fapi/v1/openOrder", symbol="BTCUSDT", orderId=ids[0]) == -2013
    assert venue.code("GET", ORDER, symbol="BTCUSDT", orderId=1) == -2013
    assert venue.code("GET", ORDER, symbol="BTCUSDT") == -1102
    assert venue.ok("DELETE", "/fapi/v1/allOpenOrders", symbol="BTCUSDT")["code"] == 200
    assert [row["status"] for row in venue.ok("GET", "/fapi/v1/allOrders", symbol="BTCUSDT")] == ["CANCELED"] * 2
    assert venue.ok("POST", ORDER, **LIMIT, newClientOrderId="a")["orderId"] not in ids  # the id is free again


def test_batches_answer_each_part_in_its_place(venue):
    items = [LIMIT, LIMIT | {"price": "1"}, LIMIT | {"reduceOnly": True}, LIMIT]
    answers = venue.ok("POST", "/fapi/v1/batchOrders", batchOrders=json.dumps(items))
    assert [answer.get("code", answer.get("status")) for answer in answers] == ["NEW", -4013, -2022, "NEW"]
    wanted = json.dumps([answers[0]["orderId"], 1, answers[3]["orderId"]])
    done = venue.ok("DELETE", "/fapi/v1/batchOrders", symbol="BTCUSDT", orderIdList=wanted)
    assert [answer.get("code", answer.get("status")) for answer in done] == ["CANCELED", -2011, "CANCELED"]
    assert venue.code("POST", "/fapi/v1/batchOrders", batchOrders=json.dumps([LIMIT] * 6)) == -1130
    assert venue.code("POST", "/fapi/v1/batchOrders", batchOrders="[1]") == -1130


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"triggerPrice": "60000", "closePosition": "true"}, -2021),
        ({"triggerPrice": None, "closePosition": "true"}, -1102),
        ({"triggerPrice": "0", "closePosition": "true"}, -4006),
        ({"triggerPrice": "59000.05", "closePosition": "true"}, -4014),
        ({"closePosition": "true", "quantity": "0.01"}, -4137),
        ({"closePosition": "true", "reduceOnly": "true"}, -4138),
        ({"closePosition": "true", "type": "STOP", "price": "59000"}, -4136),
        ({}, -1102),
        ({"quantity": "0.01", "algoType": "TWAP"}, -1130),
        ({"quantity": "0.01", "type": "LIMIT"}, -1116),
        ({"quantity": "0.01", "type": "TRAILING_STOP_MARKET"}, -4084),
        ({"quantity": "0.01", "workingType": "LAST"}, -1130),
        ({"quantity": "0.01", "type": "STOP"}, -1102),
        ({"quantity": "0.01", "positionSide": "SHORT"}, -4061),
        ({"quantity": "0.000"}, -4003),
    ],
)
def test_what_a_conditional_order_is_refused_for(venue, change, code):
    assert venue.code("POST", ALGO, **(STOP | change)) == code


def test_a_conditional_order_from_placement_to_its_order(venue):
    venue.ok("POST", ORDER, **MARKET)
    placed = venue.ok("POST", ALGO, **STOP, closePosition="true", clientAlgoId="stop-1")
    assert (placed["algoStatus"], placed["triggerPrice"], placed["orderType"]) == ("NEW", "59000.00", "STOP_MARKET")
    assert venue.code("POST", ALGO, **STOP, closePosition="true", clientAlgoId="stop-1") == -4116
    assert [row["algoId"] for row in venue.ok("GET", "/fapi/v1/openAlgoOrders")] == [placed["algoId"]]
    assert venue.ok("GET", "/fapi/v1/openOrders", symbol="BTCUSDT") == []
    venue.exchange.market("BTCUSDT", Print(NOW + 5, 590_000, 5, True))
    found = venue.ok("GET", ALGO, clientAlgoId="stop-1")
    assert found["algoStatus"] == "FINISHED"
    order = venue.ok("GET", ORDER, symbol="BTCUSDT", orderId=found["actualOrderId"])
    assert (order["status"], order["side"], order["executedQty"]) == ("FILLED", "SELL", "0.010")
    assert venue.ok("GET", "/fapi/v3/positionRisk") == []
    again = venue.ok("POST", ALGO, **(STOP | {"side": "BUY", "triggerPrice": "61000", "quantity": "0.010"}))
    assert venue.ok("DELETE", ALGO, algoId=again["algoId"])["msg"] == "success"
    assert venue.code("DELETE", ALGO, algoId=again["algoId"]) == -2011
    venue.ok("POST", ALGO, **(STOP | {"triggerPrice": "58000", "quantity": "0.010"}))
    venue.ok("DELETE", "/fapi/v1/algoOpenOrders", symbol="BTCUSDT")
    assert venue.ok("GET", "/fapi/v1/openAlgoOrders", symbol="BTCUSDT") == []
    statuses = [row["algoStatus"] for row in venue.ok("GET", "/fapi/v1/allAlgoOrders", symbol="BTCUSDT")]
    assert statuses == ["FINISHED", "CANCELED", "CANCELED"]


def test_account_settings(venue):
    assert venue.ok("POST", "/fapi/v1/leverage", symbol="BTCUSDT", leverage=50)["maxNotionalValue"] == "12000000"
    assert venue.ok("GET", "/fapi/v1/symbolConfig", symbol="BTCUSDT")[0]["leverage"] == 50
    assert venue.code("POST", "/fapi/v1/leverage", symbol="BTCUSDT", leverage=126) == -4028
    assert venue.code("POST", "/fapi/v1/marginType", symbol="BTCUSDT", marginType="CROSSED") == -4046
    assert venue.code("POST", "/fapi/v1/marginType", symbol="BTCUSDT", marginType="ISOLATED") == -4084
    assert venue.ok("GET", "/fapi/v1/positionSide/dual") == {"dualSidePosition": False}
    assert venue.code("POST", "/fapi/v1/positionSide/dual", dualSidePosition="false") == -4059
    assert venue.code("POST", "/fapi/v1/positionSide/dual", dualSidePosition="true") == -4084
    assert venue.ok("GET", "/fapi/v1/leverageBracket", symbol="BTCUSDT")[0]["brackets"][1]["cum"] == 50.0
    rates = venue.ok("GET", "/fapi/v1/commissionRate", symbol="BTCUSDT")
    assert (rates["makerCommissionRate"], rates["takerCommissionRate"]) == ("0.000200", "0.000500")
    venue.ok("POST", "/fapi/v1/countdownCancelAll", symbol="BTCUSDT", countdownTime=1000)
    venue.ok("POST", ORDER, **LIMIT)
    venue.exchange.tick(NOW + 1000)
    assert venue.ok("GET", "/fapi/v1/openOrders") == []


def test_public_endpoints(venue):
    def get(path, **params):
        reply = venue.raw("GET", f"/fapi/v1/{path}", urlencode(params))
        return reply.status, json.loads(reply.body)

    assert get("ping") == (200, {})
    assert get("time") == (200, {"serverTime": NOW})
    depth = get("depth", symbol="BTCUSDT", limit=5)[1]
    assert depth["bids"][0] == ["60000.00", "1.000"]
    assert len(depth["asks"]) == 5
    assert get("depth", symbol="BTCUSDT", limit=7)[1]["code"] == -4021
    assert get("depth", symbol="BTCUSDT", limit=5000)[1]["code"] == -1130
    info = get("exchangeInfo")[1]["symbols"][0]
    filters = {row["filterType"]: row for row in info["filters"]}
    assert filters["PRICE_FILTER"] == {
        "filterType": "PRICE_FILTER",
        "minPrice": "556.80",
        "maxPrice": "4529764.00",
        "tickSize": "0.10",
    }
    assert filters["PERCENT_PRICE"]["multiplierUp"] == "1.0500"
    assert (filters["LOT_SIZE"]["stepSize"], filters["MARKET_LOT_SIZE"]["maxQty"]) == ("0.001", "120.000")
    assert filters["MIN_NOTIONAL"]["notional"] == "50"
    premium = get("premiumIndex", symbol="BTCUSDT")[1]
    assert (premium["markPrice"], premium["lastFundingRate"]) == ("60000.00000000", "0.00010000")
    assert get("premiumIndex")[1] == [premium]
    assert get("openInterest", symbol="BTCUSDT")[1]["code"] == -4084  # absent, not 0
    kline = get("klines", symbol="BTCUSDT", interval="1m")[1][-1]
    assert kline[:6] == [NOW - NOW % 60_000, "60000.00", "60000.00", "60000.00", "60000.00", "0.005"]
    assert get("klines", symbol="BTCUSDT", interval="1s")[1]["code"] == -1120
    assert get("klines", symbol="BTCUSDT", interval="1m", limit=1501)[1]["code"] == -1130
    venue.exchange.market("BTCUSDT", Mark(NOW + 9000, "60010.0", "1", "1", "0.00020000", NOW + 99_000))
    funding = get("fundingRate", symbol="BTCUSDT")[1]
    assert [(row["fundingRate"], row["fundingTime"]) for row in funding] == [("0.00010000", NOW + 9000)]
    list(venue.desk.publishers["BTCUSDT"].advance(NOW + 200))
    assert get("aggTrades", symbol="BTCUSDT")[1][0]["q"] == "0.005"
    assert get("nowhere")[0] == 404
    assert venue.raw("POST", "/fapi/v1/ping").status == 405


def test_weight_is_counted_and_too_much_is_429_then_418(venue):
    assert venue.raw("GET", "/fapi/v1/depth", "symbol=BTCUSDT&limit=1000").headers["X-MBX-USED-WEIGHT-1M"] == "20"
    assert venue.raw("GET", "/fapi/v1/ping", address="5.6.7.8").headers["X-MBX-USED-WEIGHT-1M"] == "1"
    statuses = [venue.raw("GET", "/fapi/v1/depth", "symbol=BTCUSDT&limit=1000").status for _ in range(230)]
    assert statuses[:119] == [200] * 119
    assert statuses[119:220] == [429] * 101
    assert statuses[-1] == 418
    reply = venue.raw("GET", "/fapi/v1/ping")
    assert json.loads(reply.body)["code"] == -1003
    assert "banned until" in json.loads(reply.body)["msg"]
    venue.now += int(reply.headers["Retry-After"]) * 1000
    assert venue.raw("GET", "/fapi/v1/ping").status == 200


def test_orders_are_counted_and_limited(venue):
    for count in range(1, 301):
        reply = venue.raw("POST", ORDER, signed({**LIMIT, "price": "1", "timestamp": venue.now}))
        assert reply.headers["X-MBX-ORDER-COUNT-10S"] == str(count)
    status, body = venue.call("POST", ORDER, **LIMIT)
    assert (status, body["code"]) == (429, -1015)
    venue.now += 10_000
    assert venue.call("POST", ORDER, **LIMIT)[0] == 200


def test_listen_keys_live_an_hour(venue):
    key = json.loads(venue.raw("POST", "/fapi/v1/listenKey").body)["listenKey"]
    venue.now += 3_000_000
    assert json.loads(venue.raw("PUT", "/fapi/v1/listenKey").body)["listenKey"] == key
    assert json.loads(venue.raw("POST", "/fapi/v1/listenKey").body)["listenKey"] == key
    assert list(venue.desk.listen_keys.expire(venue.now + 3_599_999)) == []
    ((expired, frame),) = venue.desk.listen_keys.expire(venue.now + 3_600_000)
    assert (expired, json.loads(frame)["e"]) == (key, "listenKeyExpired")
    assert json.loads(venue.raw("PUT", "/fapi/v1/listenKey").body)["code"] == -1125
    assert venue.raw("DELETE", "/fapi/v1/listenKey").status == 200


NAMES = (
    "symbol,side,type,timeInForce,quantity,price,reduceOnly,closePosition,triggerPrice,algoType,orderId,algoId,limit,"
    "startTime,endTime,fromId,interval,leverage,marginType,batchOrders,orderIdList,origClientOrderIdList,recvWindow,"
    "newClientOrderId,origClientOrderId,clientAlgoId,countdownTime,workingType,positionSide,incomeType"
)
LIKELY = (
    "BTCUSDT,BUY,SELL,LIMIT,MARKET,GTC,IOC,FOK,GTX,STOP,TAKE_PROFIT_MARKET,CONDITIONAL,true,false,1,0,-1,0.010,60000,"
    "59000.0,1m,1M,1w,1e9,NaN,Infinity,99999999999999999999,[],[1],[{}],{},null,BOTH,CROSSED"
)
VALUES = st.one_of(
    st.sampled_from(LIKELY.split(",")),
    st.text(max_size=12),
    st.integers(-(10**20), 10**20).map(str),
    st.decimals(allow_nan=True).map(str),
    st.just(json.dumps([LIMIT, {"symbol": 1, "side": None, "quantity": [1]}])),
)


@settings(max_examples=500, deadline=None)
@given(
    endpoint=st.sampled_from(sorted(TABLE)),
    params=st.dictionaries(st.sampled_from(NAMES.split(",")), VALUES, max_size=9),
)
def test_any_parameters_get_an_answer(endpoint, params):
    status, body = VENUE.call(*endpoint, **params)
    VENUE.now += 1000
    assert status in (200, 400, 429, 418)
    if status != 200:
        assert isinstance(body["code"], int)
        assert body["msg"]


@settings(max_examples=200, deadline=None)
@given(query=st.text(max_size=60), body=st.text(max_size=60), path=st.sampled_from([ORDER, "/fapi/v1/depth", "/x"]))
def test_any_bytes_get_an_answer(query, body, path):
    reply = VENUE.raw("POST" if path == ORDER else "GET", path, query, body)
    VENUE.now += 1000
    assert reply.status in (400, 404)
    assert json.loads(reply.body)["code"] < 0


VENUE = Venue()
VENUE.now += 1

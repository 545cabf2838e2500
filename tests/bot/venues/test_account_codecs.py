"""User stream and REST replies, on the venue's own documented and recorded examples."""

import contextlib
import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradefleet_bot.core.events import AccountPosition, CashFlow, Fill, Instrument, OpenOrder, OrderReport
from tradefleet_bot.venues.binance import replies
from tradefleet_bot.venues.binance.codec import DecodeError
from tradefleet_bot.venues.binance.user import StreamEnded, UserDecoder

D = Decimal
AT = 5
MS = 1_000_000


def _order(**changed: object) -> bytes:
    order = {
        "s": "SOLUSDT", "c": "cid", "S": "BUY", "o": "MARKET", "f": "GTC", "q": "0.1", "p": "0", "ap": "0", "sp": "0",
        "x": "NEW", "X": "NEW", "i": 199033476993, "l": "0", "z": "0", "L": "0", "n": "0", "N": "USDT",
        "T": 1771856732584, "t": 0, "b": "0", "a": "0", "m": False, "R": False, "wt": "CONTRACT_PRICE", "ot": "MARKET",
        "ps": "BOTH", "cp": False, "rp": "0", "pP": False, "si": 0, "ss": 0, "V": "EXPIRE_MAKER", "pm": "NONE",
        "gtd": 0, "er": "0",
    }  # fmt: skip
    body = {"e": "ORDER_TRADE_UPDATE", "T": 1771856732584, "E": 1771856732584, "o": order | changed}
    return json.dumps(body).encode()


ALGO = (
    '{"e":"ALGO_UPDATE","T":7,"E":8,"o":{"caid":"Q5x","aid":2148719,"at":"CONDITIONAL","o":"TAKE_PROFIT",'
    '"s":"BNBUSDT","S":"SELL","ps":"BOTH","f":"GTC","q":"0.01","X":"CANCELED","ai":"","ap":"0.00000","aq":"0.00000",'
    '"act":"0","tp":"750","p":"750","V":"EXPIRE_MAKER","wt":"CONTRACT_PRICE","pm":"NONE","cp":false,"pP":false,'
    '"R":false,"tt":0,"gtd":0,"rm":""}}'
)


def test_a_new_order() -> None:
    expected = OrderReport(AT, 1771856732584 * MS, "SOLUSDT", "cid", "NEW", "199033476993", D(0), None)
    assert UserDecoder().decode(_order(), AT) == [expected]


def test_an_execution_is_a_fill_and_then_the_order_s_state() -> None:
    frame = _order(
        x="TRADE", X="PARTIALLY_FILLED", l="0.04", z="0.05", L="80.19", ap="80.1", n="0.0016", t=99, rp="-1.5"
    )
    fill, report = UserDecoder().decode(frame, AT)
    assert fill == Fill(
        AT, 1771856732584 * MS, "SOLUSDT", "cid", "99", "BUY", D("80.19"), D("0.04"), D("0.0016"), False, D("-1.5"),
        "199033476993",
    )  # fmt: skip
    assert report == OrderReport(
        AT, 1771856732584 * MS, "SOLUSDT", "cid", "PARTIALLY_FILLED", "199033476993", D("0.05"), D("80.1")
    )


def test_a_liquidation_s_execution_counts() -> None:
    events = UserDecoder().decode(
        _order(c="autoclose-1", x="CALCULATED", X="FILLED", l="0.1", z="0.1", L="80", t=1), AT
    )
    assert isinstance(events[0], Fill)


def test_a_fee_in_another_asset_is_taken_as_the_taker_fee() -> None:
    [fill, _] = UserDecoder().decode(_order(x="TRADE", l="2", L="100", n="0.0001", N="BNB", t=1), AT)
    assert isinstance(fill, Fill)
    assert fill.fee_quote == D("0.1")


def test_expired_in_match_is_expired_with_the_reason() -> None:
    [report] = UserDecoder().decode(_order(x="EXPIRED", X="EXPIRED_IN_MATCH", er="1"), AT)
    assert isinstance(report, OrderReport)
    assert (report.status, report.reason) == ("EXPIRED", "self-trade prevention")


def test_trade_lite_is_left_out() -> None:
    decoder = UserDecoder()
    assert decoder.decode(b'{"e":"TRADE_LITE","E":1,"T":1,"s":"BTCUSDT","q":"1","p":"0","m":false}', AT) == []
    assert decoder.ignored == {"TRADE_LITE": 1}


def test_conditional_orders() -> None:
    [report] = UserDecoder().decode(ALGO.encode(), AT)
    assert report == OrderReport(AT, 7 * MS, "BNBUSDT", "Q5x", "CANCELED", "2148719", D(0), None)


@pytest.mark.parametrize(
    ("status", "executed", "expected"),
    [
        ("NEW", "0", "NEW"),
        ("TRIGGERING", "0", "TRIGGERED"),
        ("TRIGGERED", "0", "TRIGGERED"),
        ("FINISHED", "0.01", "FILLED"),
        ("REJECTED", "0", "REJECTED"),
        ("EXPIRED", "0", "EXPIRED"),
    ],
)
def test_conditional_status(status: str, executed: str, expected: str) -> None:
    frame = ALGO.replace("CANCELED", status).replace('"aq":"0.00000"', f'"aq":"{executed}"').encode()
    [report] = UserDecoder().decode(frame, AT)
    assert isinstance(report, OrderReport)
    assert (report.status, report.filled) == (expected, D(executed))


def test_finished_without_a_quantity_leaves_the_word_to_the_order_it_became() -> None:
    finished = ALGO.replace("CANCELED", "FINISHED")
    assert UserDecoder().decode(finished.encode(), AT) == []
    assert UserDecoder().decode(finished.replace('"aq":"0.00000"', '"aq":"0.005"').encode(), AT) == []
    listed = ALGO_ORDER.replace(b'"algoStatus":"NEW"', b'"algoStatus":"FINISHED","actualOrderId":"42"')
    assert replies.algo_report(listed, AT) == "42"
    assert replies.algo_reports(b"[" + listed + b"]", AT) == []
    with pytest.raises(DecodeError, match="names no order"):
        replies.algo_report(listed.replace(b"42", b""), AT)


def test_an_execution_of_a_triggered_order_belongs_to_the_conditional_order_it_came_from() -> None:
    decoder = UserDecoder()
    decoder.decode(ALGO.replace("CANCELED", "TRIGGERED").replace('"ai":""', '"ai":"42"').encode(), AT)
    fill, report = decoder.decode(_order(i=42, c="made-by-venue", x="TRADE", X="FILLED", l="1", L="9", t=3), AT)
    assert isinstance(fill, Fill)
    assert isinstance(report, OrderReport)
    assert fill.client_id == report.client_id == "Q5x"


def _account(reason: str) -> bytes:
    return json.dumps(
        {"e": "ACCOUNT_UPDATE", "T": 1_700_006_400_007, "E": 9, "a": {
            "B": [{"a": "USDT", "wb": "10", "cw": "10", "bc": "-0.5"}, {"a": "BNB", "wb": "1", "cw": "1", "bc": "1"}],
            "P": [{"s": "SOLUSDT", "pa": "0.1", "ep": "80.19"}], "m": reason, "S": "SOLUSDT"}}
    ).encode()  # fmt: skip


def test_money_that_moves_without_a_fill() -> None:
    flow = CashFlow(AT, 1_700_006_400_007 * MS, "funding", "SOLUSDT", D("-0.5"), "FUNDING_FEE-1700006400000-SOLUSDT")
    assert UserDecoder().decode(_account("FUNDING_FEE"), AT) == [flow]
    assert UserDecoder().decode(_account("ORDER"), AT) == []
    [transfer] = UserDecoder().decode(_account("WITHDRAW"), AT)
    assert isinstance(transfer, CashFlow)
    assert transfer.kind == "transfer"


def test_the_same_funding_by_rest_has_the_same_id() -> None:
    income = b'[{"symbol":"SOLUSDT","incomeType":"FUNDING_FEE","income":"-0.5","asset":"USDT","time":1700006400000}]'
    [flow] = replies.funding(income, at=AT, quote_asset="USDT")
    [pushed] = UserDecoder().decode(_account("FUNDING_FEE"), AT)
    assert isinstance(pushed, CashFlow)
    assert flow.flow_id == pushed.flow_id


def test_the_end_of_the_stream_is_said() -> None:
    frame = b'{"e":"listenKeyExpired","E":1699596037418,"listenKey":"K"}'
    assert UserDecoder().decode(frame, AT) == [StreamEnded("listen key expired")]


def test_combined_envelope() -> None:
    assert UserDecoder().decode(b'{"stream":"K","data":' + _order() + b"}", AT) == UserDecoder().decode(_order(), AT)


BAD = [b"", b"{}", b"[]", _order(X="ODD"), _order(z="NaN"), _order(z="1e999"), _order(S="LEFT"), b"\xff", b"[" * 9999]


@pytest.mark.parametrize("frame", BAD)
def test_bad_user_frames_raise_the_one_error(frame: bytes) -> None:
    with pytest.raises(DecodeError):
        UserDecoder().decode(frame, AT)


@given(st.sampled_from([_order(x="TRADE", l="1"), ALGO.encode(), _account("FUNDING_FEE")]), st.data())
def test_damaged_user_frames_raise_the_one_error_or_decode(frame: bytes, data: st.DataObject) -> None:
    where = data.draw(st.integers(0, len(frame)))
    patch = data.draw(st.binary(max_size=3) | st.sampled_from([b'"', b"NaN", b"9" * 30, b"-", b"null", b"{"]))
    cut = data.draw(st.integers(0, 3))
    with contextlib.suppress(DecodeError):
        UserDecoder().decode(frame[:where] + patch + frame[where + cut :], AT)


# -- REST --------------------------------------------------------------------------------------------------------------
ORDER = (
    b'{"clientOrderId":"testOrder","cumQty":"0","executedQty":"0","orderId":22542179,"origQty":"10","price":"9000",'
    b'"reduceOnly":false,"side":"BUY","positionSide":"BOTH","status":"NEW","stopPrice":"0","closePosition":false,'
    b'"symbol":"BTCUSDT","timeInForce":"GTC","type":"LIMIT","origType":"LIMIT","updateTime":1566818724722,'
    b'"workingType":"CONTRACT_PRICE","priceProtect":false,"priceMatch":"NONE","goodTillDate":0}'
)
ALGO_ORDER = (
    b'{"algoId":2146760,"clientAlgoId":"6B2I","algoType":"CONDITIONAL","orderType":"TAKE_PROFIT_MARKET",'
    b'"symbol":"BNBUSDT","side":"SELL","positionSide":"BOTH","timeInForce":"GTC","quantity":"0.01","algoStatus":"NEW",'
    b'"triggerPrice":"750.000","price":"0","icebergQuantity":null,"workingType":"CONTRACT_PRICE",'
    b'"closePosition":false,"reduceOnly":true,"activatePrice":"","callbackRate":"","createTime":1750485492076,'
    b'"updateTime":1750485492076,"triggerTime":0,"goodTillDate":0}'
)
POSITION = (
    b'{"symbol":"ADAUSDT","positionSide":"BOTH","positionAmt":"-30","entryPrice":"0.385","markPrice":"0.41",'
    b'"unRealizedProfit":"0.764277","liquidationPrice":"0.9","notional":"12.3","marginAsset":"USDT","adl":2}'
)
BALANCE = b'[{"accountAlias":"a","asset":"BNB","balance":"1"},{"asset":"USDT","balance":"122.6","updateTime":3}]'


def test_order_replies() -> None:
    assert replies.order_report(ORDER, AT) == OrderReport(
        AT, 1566818724722 * MS, "BTCUSDT", "testOrder", "NEW", "22542179", D(0), None
    )
    assert replies.algo_report(ALGO_ORDER, AT) == OrderReport(
        AT, 1750485492076 * MS, "BNBUSDT", "6B2I", "NEW", "2146760", D(0), None
    )


def test_account_snapshot() -> None:
    state = replies.account_state(
        BALANCE, b"[" + POSITION + b"]", b"[" + ORDER + b"]", b"[" + ALGO_ORDER + b"]", at=AT, requested=4,
        quote_asset="USDT",
    )  # fmt: skip
    assert state.wallet_quote == D("122.6")
    assert state.positions == (AccountPosition("ADAUSDT", D(-30), D("0.385"), D("0.9")),)
    assert state.orders == (
        OpenOrder("BTCUSDT", "testOrder", "BUY", "LIMIT", D(10), D(0), D(9000), None, False, False, "22542179"),
        OpenOrder(
            "BNBUSDT", "6B2I", "SELL", "TAKE_PROFIT_MARKET", D("0.01"), D(0), None, D(750), True, False, "2146760"
        ),
    )
    assert state.requested == 4


def test_hedge_mode_is_refused_in_one_sentence() -> None:
    hedged = POSITION.replace(b"BOTH", b"SHORT")
    with pytest.raises(DecodeError, match="one-way mode"):
        replies.account_state(BALANCE, b"[" + hedged + b"]", b"[]", b"[]", at=AT, requested=0, quote_asset="USDT")


def test_missed_fills_find_their_client_id_through_the_order_lists() -> None:
    triggered = ALGO_ORDER.replace(b'"triggerTime":0', b'"triggerTime":1,"actualOrderId":"25851813"')
    links = replies.order_links(b"[" + ORDER + b"]", b"[" + triggered + b"]")
    assert links == {"22542179": "testOrder", "25851813": "6B2I"}
    trade = (
        b'[{"buyer":false,"commission":"0.07819010","commissionAsset":"USDT","id":698759,"maker":false,'
        b'"orderId":25851813,"price":"7819.01","qty":"0.002","quoteQty":"15.63802","realizedPnl":"-0.9154",'
        b'"side":"SELL","positionSide":"BOTH","symbol":"BTCUSDT","time":1569514978020}]'
    )
    assert replies.fills(trade, links, at=AT, quote_asset="USDT") == [
        Fill(
            AT, 1569514978020 * MS, "BTCUSDT", "6B2I", "698759", "SELL", D("7819.01"), D("0.002"), D("0.07819010"),
            False, D("-0.9154"), "25851813",
        )
    ]  # fmt: skip


def test_instruments() -> None:
    info = (
        b'{"symbols":[{"symbol":"BTCUSDT","status":"TRADING","filters":[{"filterType":"PRICE_FILTER","tickSize":"0.10"},'
        b'{"filterType":"LOT_SIZE","stepSize":"0.001","minQty":"0.001"},{"filterType":"MIN_NOTIONAL","notional":"50"},'
        b'{"filterType":"PERCENT_PRICE","multiplierUp":"1.05"}]}]}'
    )
    [instrument] = replies.instruments(info, ["BTCUSDT"], AT)
    assert instrument == Instrument(AT, "BTCUSDT", D("0.10"), D("0.001"), D("0.001"), D(50))
    with pytest.raises(DecodeError, match="DOGEUSDT is not listed"):
        replies.instruments(info, ["DOGEUSDT"], AT)
    with pytest.raises(DecodeError, match="states no MIN_NOTIONAL"):
        replies.instruments(info.replace(b"MIN_NOTIONAL", b"OTHER"), ["BTCUSDT"], AT)


@given(st.binary(max_size=60) | st.sampled_from([ORDER, ALGO_ORDER, BALANCE, POSITION, b"[]", b"{}"]), st.data())
def test_any_body_decodes_or_raises_the_one_error(body: bytes, data: st.DataObject) -> None:
    where = data.draw(st.integers(0, len(body)))
    body = body[:where] + data.draw(st.binary(max_size=2)) + body[where:]
    for decode in (
        lambda: replies.order_report(body, AT),
        lambda: replies.algo_report(body, AT),
        lambda: replies.server_time(body),
        lambda: replies.listen_key(body),
        lambda: replies.instruments(body, ["BTCUSDT"], AT),
        lambda: replies.fills(body, {}, at=AT, quote_asset="USDT"),
        lambda: replies.funding(body, at=AT, quote_asset="USDT"),
        lambda: replies.account_state(body, body, body, body, at=AT, requested=0, quote_asset="USDT"),
    ):
        with contextlib.suppress(DecodeError):
            decode()

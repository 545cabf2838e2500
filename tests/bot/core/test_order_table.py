"""The order life cycle: every pair of state and news is either in the table or refused here by name."""

from decimal import Decimal
from itertools import pairwise

import pytest
from support.engine_world import SECOND, START, SYMBOL

from tradefleet_bot.core.events import OrderReport
from tradefleet_bot.core.orders.blotter import RECEIVE_WINDOW, Blotter, Order
from tradefleet_bot.core.orders.ids import client_id, leg_of, owner
from tradefleet_bot.core.orders.intent import OrderIntent
from tradefleet_bot.core.orders.table import (
    INPUTS,
    OPEN,
    STATES,
    TABLE,
    Input,
    State,
    UnknownTransitionError,
    next_state,
)

CONTRADICTIONS: dict[State, set[Input]] = {
    "PENDING_NEW": {"SENT_AGAIN"},
    "WORKING": {"REJECTED", "SENT_AGAIN"},
    "PARTIALLY_FILLED": {"REJECTED", "SENT_AGAIN"},
    "TRIGGERED": {"SENT_AGAIN"},
    "PENDING_CANCEL": {"SENT_AGAIN"},
    "UNKNOWN": {"SENT_AGAIN"},
    "ABSENT": set(),
    "FILLED": {"CANCELED", "EXPIRED", "REJECTED", "SENT_AGAIN"},
    "CANCELLED": {"REJECTED", "SENT_AGAIN"},
    "REJECTED": {"NEW", "PARTIALLY_FILLED", "TRIGGERED", "FILLED", "CANCELED", "EXPIRED", "SENT_AGAIN"},
    "EXPIRED": {"REJECTED", "SENT_AGAIN"},
}
TIMEOUT = 10 * SECOND


def intent(quantity: str = "0.01", leg: str = "entry", cid: str = "tf-1") -> OrderIntent:
    reducing = leg != "entry"
    return OrderIntent(
        cid, SYMBOL, "SELL" if reducing else "BUY", "exit" if reducing else "entry", "LIMIT", Decimal(quantity),
        price=Decimal(60_000), time_in_force="IOC", reduce_only=reducing,
    )  # fmt: skip


def sent(blotter: Blotter, at: int = START, leg: str = "entry") -> Order:
    order = Order(intent(leg=leg), "live", at, asked_at=at + TIMEOUT)
    blotter.add(order)
    return order


def report(order: Order, status: str, at: int, ts: int | None = None, filled: str = "0") -> OrderReport:
    ts = at if ts is None else ts
    return OrderReport(at, ts, SYMBOL, order.intent.client_id, status, "v1", Decimal(filled))  # type: ignore[arg-type]  # any status text


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("news", INPUTS)
def test_every_pair_is_decided(state: State, news: Input) -> None:
    after = next_state(state, news)
    assert (after is None) == (news in CONTRADICTIONS[state])
    assert after is None or after in TABLE


@pytest.mark.parametrize("state", [state for state in STATES if state not in OPEN and state != "ABSENT"])
def test_what_has_ended_never_opens_again(state: State) -> None:
    assert all(after not in OPEN for after in TABLE[state].values())


def test_a_fill_after_a_cancel_is_a_fill() -> None:
    assert next_state("CANCELLED", "FILLED") == "FILLED"
    assert next_state("EXPIRED", "FILLED") == "FILLED"
    assert next_state("PENDING_CANCEL", "FILLED") == "FILLED"


@pytest.mark.parametrize("state", sorted(OPEN))
def test_silence_leads_to_a_query(state: State) -> None:
    assert next_state(state, "NO_REPLY") == "UNKNOWN"


def test_a_contradiction_raises_where_it_is_strict_and_is_said_where_it_is_not() -> None:
    for strict in (True, False):
        blotter = Blotter(strict)
        order = sent(blotter)
        blotter.report(order, report(order, "REJECTED", START), TIMEOUT)
        if strict:
            with pytest.raises(UnknownTransitionError, match="REJECTED and the venue then said FILLED"):
                blotter.report(order, report(order, "FILLED", START), TIMEOUT)
        else:
            blotter.report(order, report(order, "FILLED", START), TIMEOUT)
            assert order.state == "UNKNOWN"
            assert order.asked_at is not None
            assert blotter.contradictions == ["order tf-1 is REJECTED and the venue then said FILLED"]


def test_an_unanswered_order_is_queried_with_growing_pauses() -> None:
    blotter = Blotter(True)
    order = sent(blotter)
    asked = [at for at in range(START, START + 200 * SECOND, SECOND // 4) for _ in blotter.overdue(at, TIMEOUT)]
    assert asked[0] == START + TIMEOUT
    pauses = [after - before for before, after in pairwise(asked)]
    assert pauses == sorted(pauses)
    assert pauses[0] == SECOND // 2
    assert pauses[-1] == 30 * SECOND
    assert order.state == "UNKNOWN"


def test_an_order_is_absent_only_by_an_answer_younger_than_the_receive_window() -> None:
    blotter = Blotter(True)
    order = sent(blotter)
    blotter.apply(order, "NO_REPLY", START, TIMEOUT)
    late = START + 20 * SECOND
    blotter.report(order, report(order, "NOT_FOUND", late, ts=START + RECEIVE_WINDOW - 1), TIMEOUT)
    assert order.state == "UNKNOWN"
    blotter.report(order, report(order, "NOT_FOUND", late, ts=START + RECEIVE_WINDOW), TIMEOUT)
    assert order.state == "ABSENT"
    assert order.intent.client_id == "tf-1"
    blotter.send_again(order, late, TIMEOUT)
    assert (order.state, order.sends, order.sent_at) == ("PENDING_NEW", 2, late)


def test_a_refused_repeat_asks_instead_of_believing_that_nothing_is_there() -> None:
    blotter = Blotter(True)
    order = sent(blotter)
    blotter.apply(order, "NOT_SENT", START, TIMEOUT)
    blotter.send_again(order, START + SECOND, TIMEOUT)
    blotter.apply(order, "REFUSED", START + SECOND, TIMEOUT)
    assert order.state == "UNKNOWN"


def test_an_immediate_order_that_partly_filled_is_asked_about_until_it_ends() -> None:
    blotter = Blotter(True)
    order = sent(blotter)
    blotter.report(order, report(order, "PARTIALLY_FILLED", START, filled="0.004"), TIMEOUT)
    assert [query.client_id for query in blotter.overdue(START + TIMEOUT, TIMEOUT)] == ["tf-1"]


def test_a_closed_order_still_owes_what_was_reported() -> None:
    blotter = Blotter(True)
    order = sent(blotter)
    blotter.report(order, report(order, "EXPIRED", START, filled="0.004"), TIMEOUT)
    assert order.remaining == Decimal("0.004")
    assert list(blotter.orders(SYMBOL)) == [order]


def test_a_client_id_is_used_once() -> None:
    blotter = Blotter(True)
    sent(blotter)
    with pytest.raises(UnknownTransitionError, match="used before"):
        sent(blotter)


def test_old_closed_orders_are_forgotten_and_open_ones_never() -> None:
    blotter = Blotter(True)
    first = sent(blotter)
    for n in range(2_000):
        order = Order(intent(cid=f"tf-x{n}"), "live", START)
        blotter.add(order)
        blotter.report(order, report(order, "EXPIRED", START), TIMEOUT)
    assert blotter.get("tf-1") is first
    assert blotter.get("tf-x0") is None
    assert blotter.get("tf-x1999") is not None


def test_client_ids_say_who_when_and_which_leg() -> None:
    mine, other = owner("ns.bot", "BTCUSDT"), owner("ns.bot2", "BTCUSDT")
    text = client_id(mine, START, "stop", 2)
    assert text == client_id(mine, START, "stop", 2)
    assert len(client_id(mine, 2**62, "take_profit", 10_000)) <= 36
    assert leg_of(text, mine) == "stop"
    assert leg_of(text, other) is None
    assert leg_of("web_abcdef", mine) is None

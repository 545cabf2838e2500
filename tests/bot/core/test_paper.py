"""Paper fills are pessimistic, charged like real ones, and never what a real market would have refused."""

from dataclasses import dataclass, field
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from support.engine_world import RULES, SECOND, START, SYMBOL, directive, quote, trade

from tradefleet_bot.core.commands import Cancel, CancelAll, Place, QueryOrder, Reconcile, SetLeverage
from tradefleet_bot.core.events import AccountEvent, CashFlow, CommandFailed, Event, Fill, MarkPrice, OrderReport
from tradefleet_bot.core.orders.intent import OrderIntent
from tradefleet_bot.core.paper import PaperConfig, PaperVenue
from tradefleet_bot.core.risk.seal import SEAL
from tradefleet_bot.core.risk.verdict import Approved

NEVER = START + 10**18
LIMITS = directive().limits


def intent(cid: str = "a", side: str = "BUY", quantity: str = "0.1", **more: object) -> OrderIntent:
    base = {"price": Decimal(60_100), "time_in_force": "IOC", "leg": "entry", "kind": "LIMIT"}
    return OrderIntent(cid, SYMBOL, "BUY" if side == "BUY" else "SELL", quantity=Decimal(quantity), **{**base, **more})  # type: ignore[arg-type]  # keywords by construction


def stop(cid: str, side: str, trigger: str, **more: object) -> OrderIntent:
    fields = {"price": None, "kind": "STOP_MARKET", "leg": "stop", "close_position": True, "time_in_force": "GTC"}
    return intent(cid, side, trigger=Decimal(trigger), **{**fields, **more})


@dataclass
class Bench:
    """A paper venue whose words are collected."""

    venue: PaperVenue = field(default_factory=lambda: PaperVenue(PaperConfig(latency=0)))
    at: int = START
    heard: list[AccountEvent] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.see(RULES, quote(START, 60_000.0, 1.0))

    def see(self, *events: Event) -> list[AccountEvent]:
        new: list[AccountEvent] = []
        for event in events:
            self.at = max(self.at, event.at)
            new += self.venue.step(event)
        self.heard += new
        return new

    def place(self, order: OrderIntent, price: float = 60_000.0, size: float = 1.0) -> list[AccountEvent]:
        """Place, and let the next quote bring the answers."""
        self.venue.submit(Place(self.at, "paper", Approved(order, SEAL), NEVER))
        return self.see(quote(self.at + 1, price, size))

    def fills(self) -> list[Fill]:
        return [event for event in self.heard if isinstance(event, Fill)]

    def last(self) -> OrderReport:
        return [event for event in self.heard if isinstance(event, OrderReport)][-1]

    @property
    def held(self) -> Decimal:
        return self.venue.account.position(SYMBOL).quantity


def test_a_taker_gets_only_what_is_displayed_and_only_once() -> None:
    bench = Bench()
    bench.place(intent("a", quantity="0.5"), size=0.3)
    assert [fill.quantity for fill in bench.fills()] == [Decimal("0.3")]
    assert (bench.last().status, bench.last().filled) == ("EXPIRED", Decimal("0.3"))
    bench.venue.submit(Place(bench.at, "paper", Approved(intent("b", quantity="0.2"), SEAL), NEVER))
    bench.venue.submit(Place(bench.at, "paper", Approved(intent("c", quantity="0.2"), SEAL), NEVER))
    bench.see(quote(bench.at + 1, 60_000.0, 0.3))
    assert [fill.quantity for fill in bench.fills()[1:]] == [Decimal("0.2"), Decimal("0.1")]


def test_a_taker_pays_the_offer_and_the_taker_fee() -> None:
    bench = Bench()
    bench.place(intent(quantity="0.1"))
    [fill] = bench.fills()
    assert (fill.price, fill.maker, fill.fee_quote) == (Decimal("60000.1"), False, Decimal("3.000005"))
    assert bench.venue.account.wallet == 10_000 - fill.fee_quote


def test_a_limit_that_does_not_cross_expires_at_once_when_it_may_not_wait() -> None:
    bench = Bench()
    bench.place(intent(price=Decimal(59_000)))
    assert bench.last().status == "EXPIRED"
    assert bench.fills() == []


def test_commands_and_answers_take_the_latency_each() -> None:
    bench = Bench(PaperVenue(PaperConfig(latency=SECOND)))
    bench.venue.submit(Place(START, "paper", Approved(intent(), SEAL), NEVER))
    assert bench.see(quote(START + SECOND - 1, 60_000.0)) == []
    assert bench.see(quote(START + SECOND, 60_000.0)) == []
    assert bench.see(quote(START + 2 * SECOND - 1, 60_000.0)) == []
    assert [type(event) for event in bench.see(quote(START + 2 * SECOND, 60_000.0))] == [OrderReport, Fill, OrderReport]


def test_a_resting_order_waits_for_the_queue_ahead_of_it() -> None:
    bench = Bench()
    bench.place(intent(price=Decimal("59999.9"), time_in_force="GTX"), size=2.0)
    assert bench.last().status == "NEW"
    bench.see(trade(bench.at + 1, 59_999.9, 1.5, "SELL"))
    bench.see(trade(bench.at + 1, 59_999.9, 5.0, "BUY"))
    assert bench.fills() == []
    bench.see(trade(bench.at + 1, 59_999.9, 0.54, "SELL"))
    assert [(fill.quantity, fill.maker, fill.price) for fill in bench.fills()] == [
        (Decimal("0.04"), True, Decimal("59999.9"))
    ]
    bench.see(trade(bench.at + 1, 59_990.0, 1.0, "SELL"))
    assert bench.held == Decimal("0.1")
    assert bench.last().status == "FILLED"


@pytest.mark.parametrize(
    ("order", "code"),
    [
        (intent(price=Decimal("60000.1"), time_in_force="GTX"), "-5022"),
        (intent(quantity="50"), "-2019"),
        (intent(quantity="0.0005"), "-1111"),
        (intent(quantity="0.001", price=Decimal(10_000)), "-4164"),
        (intent(price=Decimal("60000.15")), "-4014"),
        (intent(side="SELL", price=Decimal(59_000), reduce_only=True), "-2022"),
        (replace(intent(), symbol="ETHUSDT"), "-4131"),
    ],
)
def test_what_a_venue_refuses_is_refused(order: OrderIntent, code: str) -> None:
    bench = Bench()
    bench.place(order)
    assert (bench.last().status, bench.last().reason[:5]) == ("REJECTED", code)
    assert bench.fills() == []


def test_an_open_client_id_is_not_taken_twice() -> None:
    bench = Bench()
    bench.place(intent(price=Decimal(59_000), time_in_force="GTC"))
    bench.place(intent(price=Decimal(59_000), time_in_force="GTC"))
    assert bench.last().reason.startswith("-4116")


def test_a_reducing_order_never_turns_the_position_round() -> None:
    bench = Bench()
    bench.place(intent(quantity="0.1"))
    bench.place(intent("b", "SELL", "0.5", price=Decimal(59_000), reduce_only=True))
    assert bench.held == 0


def test_a_stop_becomes_a_market_order_at_the_prices_after_its_trigger() -> None:
    bench = Bench()
    bench.place(intent(quantity="0.5"))
    bench.place(stop("s", "SELL", "59900"))
    assert bench.last().status == "NEW"
    bench.see(trade(bench.at + 1, 59_900.1))
    assert bench.last().status == "NEW"
    bench.see(quote(bench.at + 1, 59_850.0, 0.2), trade(bench.at + 2, 59_900.0))
    assert [event.status for event in bench.heard if isinstance(event, OrderReport)][-2:] == ["TRIGGERED", "TRIGGERED"]
    assert bench.held == Decimal("0.3")
    bench.see(quote(bench.at + 1, 59_800.0, 5.0))
    assert bench.held == 0
    assert bench.last().status == "FILLED"
    assert [fill.price for fill in bench.fills()[1:]] == [Decimal("59849.9"), Decimal("59799.9")]


def test_a_stop_that_would_trigger_at_once_is_refused() -> None:
    bench = Bench()
    bench.place(intent())
    bench.see(trade(bench.at + 1, 60_000.0))
    bench.place(stop("s", "SELL", "60050"))
    assert bench.last().reason.startswith("-2021")


def test_a_stop_on_the_mark_price_triggers_on_the_mark_price() -> None:
    bench = Bench()
    bench.place(intent())
    bench.place(stop("s", "SELL", "59900", working_type="MARK_PRICE"))
    bench.see(trade(bench.at + 1, 59_000.0))
    assert bench.held == Decimal("0.1")
    bench.see(MarkPrice(bench.at + 1, bench.at + 1, SYMBOL, 59_800.0, None, None, None))
    assert bench.held == 0


def test_a_stop_without_a_position_ends_without_a_trade() -> None:
    bench = Bench()
    bench.place(stop("s", "SELL", "59900"))
    bench.see(trade(bench.at + 1, 59_800.0))
    assert bench.last().status == "EXPIRED"
    assert bench.fills() == []


def test_funding_is_paid_once_at_its_time_on_the_mark() -> None:
    bench = Bench()
    bench.place(intent(quantity="0.1"))
    due = bench.at + SECOND
    wallet = bench.venue.account.wallet
    for n, at in enumerate((due - 10, due - 5, due, due + 5)):
        following = due if at < due else due + 100 * SECOND
        bench.see(MarkPrice(at, at, SYMBOL, 60_000.0 + n, None, 0.0001, following))
    flows = [event for event in bench.heard if isinstance(event, CashFlow)]
    assert [(flow.kind, flow.amount_quote) for flow in flows] == [("funding", Decimal("-0.60002"))]
    assert bench.venue.account.wallet == wallet + flows[0].amount_quote


def test_a_position_without_margin_is_liquidated() -> None:
    bench = Bench(PaperVenue(PaperConfig(latency=0, wallet=Decimal(1_000))))
    bench.place(intent(quantity="0.3"), size=1.0)
    bench.place(stop("s", "SELL", "40000"))
    bench.see(quote(bench.at + 1, 56_500.0))
    bench.see(quote(bench.at + 2, 56_500.0))
    assert bench.held == 0
    assert bench.fills()[-1].client_id.startswith("autoclose-")
    assert bench.fills()[-1].fee_quote > 0
    assert bench.last().status == "EXPIRED"


def test_cancel_query_and_the_account_answer_as_a_venue_does() -> None:
    bench = Bench()
    venue = bench.venue
    bench.place(intent(price=Decimal(59_000), time_in_force="GTC"))
    venue.submit(SetLeverage(bench.at, "paper", SYMBOL, 5))
    venue.submit(QueryOrder(bench.at, "paper", SYMBOL, "a", conditional=False))
    venue.submit(QueryOrder(bench.at, "paper", SYMBOL, "nobody", conditional=False))
    venue.submit(Reconcile(bench.at, "paper", "test"))
    venue.submit(Cancel(bench.at, "paper", SYMBOL, "a", conditional=False))
    venue.submit(Cancel(bench.at, "paper", SYMBOL, "a", conditional=False))
    asked = bench.at
    known, unknown, account, cancelled, failed = bench.see(quote(bench.at + 1, 60_000.0))
    assert isinstance(known, OrderReport)
    assert known.status == "NEW"
    assert isinstance(unknown, OrderReport)
    assert (unknown.status, unknown.ts) == ("NOT_FOUND", asked)
    assert [order.client_id for order in account.orders] == ["a"]  # type: ignore[union-attr]  # an AccountState
    assert cancelled.status == "CANCELED"  # type: ignore[union-attr]  # an OrderReport
    assert isinstance(failed, CommandFailed)
    assert (failed.family, failed.sent) == ("stop", asked)
    bench.place(intent("b", price=Decimal(59_000), time_in_force="GTC"))
    venue.submit(CancelAll(bench.at, "paper", SYMBOL))
    bench.see(quote(bench.at + 1, 60_000.0))
    assert bench.last().status == "CANCELED"


def test_a_restart_from_its_snapshot_goes_on_where_it_was() -> None:
    bench = Bench()
    bench.place(intent(quantity="0.1"))
    bench.place(stop("s", "SELL", "59900"))
    again = Bench(PaperVenue(PaperConfig(latency=0), bench.venue.snapshot()))
    assert again.held == Decimal("0.1")
    again.see(trade(again.at + 1, 59_800.0), quote(again.at + 2, 59_800.0))
    assert again.held == 0
    assert {fill.trade_id for fill in again.fills()}.isdisjoint(fill.trade_id for fill in bench.fills())


@given(st.lists(st.tuples(st.integers(-5, 5).filter(bool), st.integers(-30, 30), st.integers(0, 40)), max_size=25))
def test_money_adds_up_whatever_is_traded(orders: list[tuple[int, int, int]]) -> None:
    bench = Bench()
    for n, (lots, drift, size) in enumerate(orders):
        price = 60_000.0 + drift
        side = "BUY" if lots > 0 else "SELL"
        limit = Decimal("60200.0") if lots > 0 else Decimal("59800.0")
        bench.place(intent(f"o{n}", side, str(Decimal(abs(lots)) / 100), price=limit), price, size / 100)
    cash = sum(
        (fill.price * fill.quantity * (1 if fill.side == "SELL" else -1) - fill.fee_quote for fill in bench.fills()),
        Decimal(10_000),
    )
    held = sum((fill.quantity * (1 if fill.side == "BUY" else -1) for fill in bench.fills()), Decimal(0))
    assert held == bench.held
    value = bench.venue.account.market(SYMBOL).value
    assert value is not None
    assert abs(bench.venue.account.equity() - (cash + held * value)) < Decimal("1e-12")
    for n, (lots, _, _) in enumerate(orders):
        filled = sum((fill.quantity for fill in bench.fills() if fill.client_id == f"o{n}"), Decimal(0))
        assert filled <= Decimal(abs(lots)) / 100

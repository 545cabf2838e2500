"""What the engine does over time: restart, change of mode, partial fills, late news, hybrid."""

from decimal import Decimal

import pytest
from support.engine_world import (
    RULES,
    SECOND,
    START,
    SYMBOL,
    OneFeature,
    ScriptedModel,
    commands,
    desk,
    directive,
    engine,
    hold,
    market,
    placed,
    quote,
    run,
    trade,
    wave,
    when_allowed,
)

from tradefleet_bot.core.commands import Cancel, CancelAll, Command, Place, Reconcile, Record
from tradefleet_bot.core.engine import Engine
from tradefleet_bot.core.events import (
    AccountFeed,
    AccountPosition,
    AccountState,
    CommandFailed,
    Event,
    Fill,
    OpenOrder,
    OrderReport,
    Timer,
)
from tradefleet_bot.core.orders.ids import client_id, owner
from tradefleet_bot.core.orders.intent import OrderIntent
from tradefleet_bot.core.state import EngineConfig

OWNER = owner("test.bot", SYMBOL)


def account(
    at: int, quantity: str = "0", entry: str = "0", orders: tuple[OpenOrder, ...] = (), wallet: str = "10000"
) -> AccountState:
    held = (AccountPosition(SYMBOL, Decimal(quantity), Decimal(entry)),) if Decimal(quantity) else ()
    return AccountState(at, at, "live", Decimal(wallet), held, orders, at)


def resting(leg: str, side: str = "SELL", trigger: str = "59000") -> OpenOrder:
    kind = {"stop": "STOP_MARKET", "take_profit": "TAKE_PROFIT_MARKET"}.get(leg, "LIMIT")
    return OpenOrder(
        SYMBOL, client_id(OWNER, START - 100 * SECOND, leg, 0), "SELL" if side == "SELL" else "BUY", kind,  # type: ignore[arg-type]  # any leg
        Decimal("0.01"), trigger=Decimal(trigger), close_position=True, venue_id="v9",
    )  # fmt: skip


def feed(target: Engine, *events: Event) -> list[Command]:
    return [command for event in events for command in target.step(event)]


def orders_of(out: list[Command]) -> list[OrderIntent]:
    return [command.order.value for command in out if isinstance(command, Place)]


def started(script: object = hold, *state: AccountState) -> tuple[Engine, list[Command]]:
    """A live engine that has read its account, and what it did about it."""
    target = engine(script)  # type: ignore[arg-type]  # a script
    out = feed(target, RULES, quote(START, 60_000.0), trade(START, 60_000.0), directive(START, "live"))
    assert [command.route for command in out if isinstance(command, Reconcile)] == ["live"]
    out = feed(target, AccountFeed(START, "live", up=True), *state)
    return target, out


def test_nothing_happens_before_orders_from_above() -> None:
    out = run(desk(when_allowed("OPEN_LONG")), [RULES, *market(START, wave(80))])
    assert {type(command) for _, step in out for command in step} == {Record}


def test_a_restart_adopts_the_position_with_its_stop() -> None:
    target, out = started(hold, account(START, "0.01", "60000", (resting("stop"),)))
    assert orders_of(out)[0].leg == "take_profit"
    assert [order.leg for order in orders_of(out)] == ["take_profit"]
    view = target.snapshot()
    assert (view.positions[0].quantity, view.positions[0].stop_price) == (Decimal("0.01"), Decimal(59_000))


def test_a_restart_protects_a_position_that_has_no_stop() -> None:
    _, out = started(hold, account(START, "-0.01", "60000"))
    [stop] = orders_of(out)
    assert (stop.leg, stop.side, stop.close_position) == ("stop", "BUY", True)
    assert stop.trigger is not None
    assert 60_000 < stop.trigger <= 72_000


def test_a_restart_closes_a_position_whose_stop_is_already_passed() -> None:
    _, out = started(hold, account(START, "0.5", "75000"))
    assert [(order.leg, order.reduce_only) for order in orders_of(out)] == [("exit", True)]


def test_a_restart_cancels_orphans_and_leaves_what_is_not_ours() -> None:
    foreign = OpenOrder(SYMBOL, "web_1", "BUY", "LIMIT", Decimal("0.01"), price=Decimal(50_000))
    _, out = started(hold, account(START, orders=(resting("stop"), resting("take_profit"), foreign)))
    cancelled = [command.client_id for command in out if isinstance(command, Cancel)]
    assert sorted(cancelled) == sorted([resting("stop").client_id, resting("take_profit").client_id])
    assert any("foreign order" in command.reason for command in out if isinstance(command, Record))


def test_two_stops_leave_one() -> None:
    second = resting("stop", trigger="58000")
    extra = OpenOrder(
        *[getattr(second, f) if f != "client_id" else second.client_id[:-1] + "1" for f in second.__struct_fields__]
    )
    _, out = started(hold, account(START, "0.01", "60000", (resting("stop"), extra)))
    assert [command.client_id for command in out if isinstance(command, Cancel)] == [extra.client_id]


def test_no_trade_before_the_account_is_read_and_the_stream_is_up() -> None:
    target = engine(when_allowed("OPEN_LONG"))
    out = feed(target, RULES, directive(START, "live"), account(START), *market(START, wave(64)))
    assert orders_of(out) == []
    assert "stream of orders and fills is down" in str(target.snapshot().halted)
    at = START + 17 * SECOND
    out = feed(target, AccountFeed(at, "live", up=True), account(at), *market(at, wave(8)))
    assert [order.leg for order in orders_of(out)] == ["entry"]


def test_a_difference_takes_no_new_risk_and_when_it_lasts_a_person_must_look() -> None:
    target, _ = started(hold, account(START))
    wrong = "0.02"
    for n in range(1, 4):
        at = START + n * 2 * SECOND
        feed(target, quote(at, 60_000.0))
        out = feed(target, account(at, wrong, "60000"))
        view = target.snapshot()
        assert "BTCUSDT: the venue holds 0.02, the bot counts 0" in str(view.halted)
    assert view.latches == ("reconciliation",)
    assert view.positions[0].quantity == Decimal(wrong)
    assert [order.leg for order in orders_of(out)] == ["stop"]


def test_a_difference_that_a_late_fill_explains_is_forgotten() -> None:
    target, _ = started(hold, account(START))
    at = START + 2 * SECOND
    feed(target, quote(at, 60_000.0), account(at, "0.02", "60000"))
    assert "not reconciled" in str(target.snapshot().halted)
    feed(target, Fill(at, at, SYMBOL, "web_1", "t9", "BUY", Decimal(60_000), Decimal("0.02"), Decimal(0), False))
    later = at + 5 * SECOND
    feed(target, quote(later, 60_000.0), account(later, "0.02", "60000"))
    assert target.snapshot().latches == ()
    assert target.snapshot().reconciled


def test_missed_fills_are_inferred_from_the_orders_report_and_counted_once() -> None:
    target, _ = started(when_allowed("OPEN_LONG"), account(START))
    out = feed(target, *market(START, wave(64)))
    [entry] = orders_of(out)
    at = target.state.at
    feed(target, OrderReport(at, at, SYMBOL, entry.client_id, "FILLED", "v1", entry.quantity, Decimal(60_010)))
    assert target.snapshot().positions == ()
    out = feed(target, *[quote(at + n * SECOND // 2, 60_000.0) for n in range(8)])
    view = target.snapshot()
    assert (view.positions[0].quantity, view.positions[0].entry_price) == (entry.quantity, Decimal(60_010))
    assert "stop" in {order.leg for order in orders_of(out)}
    late = Fill(at, at, SYMBOL, entry.client_id, "t1", "BUY", Decimal(60_010), entry.quantity, Decimal(1), False)
    feed(target, late)
    assert target.snapshot().positions[0].quantity == entry.quantity


def test_the_stop_covers_a_partial_fill_and_what_follows() -> None:
    target = desk(when_allowed("OPEN_LONG"))
    steps = run(target, [RULES, directive()])
    for event in market(START, wave(64)):
        thin = quote(event.at, (event.bid + event.ask) / 2, 0.01) if hasattr(event, "bid") else event
        steps += run(target, [thin])
    entry, stop = placed(steps)[:2]
    filled = sum(event.quantity for event, _ in steps if isinstance(event, Fill))
    assert 0 < filled < entry.quantity
    assert stop.close_position


def test_an_exit_goes_on_until_it_is_flat() -> None:
    target = desk(when_allowed("OPEN_LONG"))
    run(target, [RULES, directive(), *market(START, wave(64))])
    at = START + 17 * SECOND
    thin = [quote(at + n * SECOND // 4, 60_000.0, 0.01) for n in range(40)]
    steps = run(target, [directive(at, trading_state="Flatten"), *thin])
    exits = [order for order in placed(steps) if order.leg == "exit"]
    assert len(exits) >= 3
    assert all(order.reduce_only and order.price is not None for order in exits)
    assert target.engine.snapshot().flat


def test_a_change_of_mode_cancels_settles_and_switches() -> None:
    target = desk(when_allowed("OPEN_LONG"))
    run(target, [RULES, directive(), *market(START, wave(64))])
    at = START + 17 * SECOND
    steps = run(target, [directive(at, "live"), *market(at, wave(24))])
    routes = [command.route for _, out in steps for command in out if isinstance(command, Place | Cancel | CancelAll)]
    assert set(routes) == {"paper"}
    assert [(command.route, command.symbol) for command in commands(steps, CancelAll)] == [("paper", SYMBOL)]
    assert [command.route for command in commands(steps, Reconcile)][-1] == "live"
    assert not target.engine.snapshot().settling
    assert target.engine.state.symbols[SYMBOL].route == "live"


def test_under_hybrid_only_the_named_symbols_are_live() -> None:
    symbols = (SYMBOL, "ETHUSDT")
    target = Engine(EngineConfig("test.bot", symbols, SECOND, True), ScriptedModel(hold), OneFeature)
    out = feed(target, directive(START, "hybrid", live_symbols=("ETHUSDT",)))
    assert [command.route for command in out if isinstance(command, Reconcile)] == ["paper", "live"]
    assert {name: symbol.route for name, symbol in target.state.symbols.items()} == {SYMBOL: "paper", "ETHUSDT": "live"}


@pytest.mark.parametrize(("action", "share"), [("CLOSE", 1), ("REDUCE", 2)])
def test_the_model_reduces_and_closes(action: str, share: int) -> None:
    target = desk(when_allowed("OPEN_LONG", action))  # type: ignore[arg-type]  # parametrised
    steps = run(target, [RULES, directive(), *market(START, wave(100))])
    entry = placed(steps)[0]
    exits = [order for order in placed(steps) if order.leg == "exit"]
    assert [(order.side, order.reduce_only) for order in exits] == [("SELL", True)]
    assert exits[0].quantity == (entry.quantity / share).quantize(Decimal("0.001"), rounding="ROUND_DOWN")
    assert target.engine.snapshot().flat == (share == 1)


def test_after_a_stop_the_target_is_cancelled_and_the_loss_is_counted() -> None:
    target = desk(when_allowed("OPEN_LONG"))
    run(target, [RULES, directive(), *market(START, wave(64))])
    at = START + 17 * SECOND
    steps = run(target, market(at, [59_500.0] * 24))
    assert target.engine.snapshot().flat
    assert len(commands(steps, Cancel)) == 1
    assert target.engine.state.account("paper").consecutive_losses == 1
    assert target.engine.snapshot().trades_today == 1


def test_orders_that_were_not_read_in_time_take_no_new_risk_and_the_stop_stays() -> None:
    target = desk(when_allowed("OPEN_LONG", "CLOSE", "OPEN_LONG"))
    run(target, [RULES, directive(), *market(START, wave(34))])
    at = START + 9 * SECOND
    steps = run(target, [directive(at, fresh=False), *market(at, wave(40))])
    assert [order for order in placed(steps) if order.leg == "entry"] == []
    assert "mandate" in str(target.engine.snapshot().halted)


def test_an_entry_that_takes_too_long_to_send_is_refused_by_its_deadline() -> None:
    target = desk(when_allowed("OPEN_LONG"), latency=3 * SECOND)
    steps = run(target, [RULES, directive(), *market(START, wave(80))])
    entries = [order for order in placed(steps) if order.leg == "entry"]
    failed = [event for event, _ in steps if isinstance(event, CommandFailed)]
    assert len(entries) == len(failed) == 1
    assert failed[0].reason == "arrived after its deadline"
    assert target.engine.snapshot().flat


def test_time_never_goes_backwards() -> None:
    target = engine()
    feed(target, RULES, directive(START + 5 * SECOND), Timer(START))
    assert target.state.at == START + 5 * SECOND


def test_a_masked_action_is_refused_and_counted() -> None:
    target = desk(lambda _n, _mask, _view: "OPEN_LONG")
    steps = run(target, [RULES, directive(trading_state="Paused"), *market(START, wave(64))])
    assert placed(steps) == []
    assert target.engine.snapshot().refusals["mask_ignored"] == 15


def test_an_order_that_was_given_up_and_is_open_at_the_venue_is_cancelled() -> None:
    target, _ = started(when_allowed("OPEN_LONG"), account(START))
    [entry] = next(found for event in market(START, wave(64)) if (found := orders_of(feed(target, event))))
    at = target.state.at
    feed(target, CommandFailed(at, "place", "stop", "refused", SYMBOL, entry.client_id, sent=at))
    assert target.snapshot().flat
    later = at + 60 * SECOND
    listed = OpenOrder(SYMBOL, entry.client_id, "BUY", "LIMIT", entry.quantity, price=entry.price)
    out = feed(target, quote(later, 60_000.0), account(later, orders=(listed,)))
    assert [command.client_id for command in out if isinstance(command, Cancel)] == [entry.client_id]


def test_a_rejected_exit_asks_whether_the_position_is_there() -> None:
    target, out = started(hold, account(START, "0.5", "75000"))
    [exit_order] = orders_of(out)
    at = target.state.at + SECOND
    refused = OrderReport(at, at, SYMBOL, exit_order.client_id, "REJECTED", reason="-2022")
    out = feed(target, refused)
    assert [command.route for command in out if isinstance(command, Reconcile)] == ["live"]
    for _ in range(20):
        at += SECOND
        for order in orders_of(feed(target, quote(at, 60_000.0), account(at))):
            feed(target, OrderReport(at, at, SYMBOL, order.client_id, "REJECTED", reason="-2022"))
    assert target.snapshot().positions == ()
    assert target.snapshot().latches == ("reconciliation",)


def test_in_production_a_contradiction_takes_no_new_risk_and_the_position_is_protected() -> None:
    target = engine(when_allowed("OPEN_LONG", "CLOSE", "OPEN_LONG"), strict=False)
    feed(target, RULES, directive(START, "live"), AccountFeed(START, "live", up=True), account(START))
    [entry] = next(found for event in market(START, wave(64)) if (found := orders_of(feed(target, event))))
    at = target.state.at
    feed(target, OrderReport(at, at, SYMBOL, entry.client_id, "REJECTED", reason="-2019"))
    fill = Fill(at, at, SYMBOL, entry.client_id, "t1", "BUY", Decimal(60_000), entry.quantity, Decimal(1), False)
    out = feed(target, fill)
    assert [order.leg for order in orders_of(out)] == ["stop"]
    view = target.snapshot()
    assert (view.latches, view.positions[0].quantity, view.errors) == (("order_contradiction",), entry.quantity, 1)

"""The controls of an automated trading system (SEC 15c3-5, RTS 6, FIA 2024), each built and tested by its name."""

from decimal import Decimal

import pytest
from support.engine_world import (
    RULES,
    SECOND,
    START,
    SYMBOL,
    commands,
    desk,
    directive,
    engine,
    market,
    placed,
    quote,
    run,
    wave,
    when_allowed,
)

from tradefleet_bot.core.commands import Cancel, CancelAll, Place, QueryOrder, Record
from tradefleet_bot.core.events import CommandFailed, FeedState, LiquidationPrice, OrderReport, Timer
from tradefleet_bot.core.orders.intent import OrderIntent


def altered(intent: OrderIntent, **changes: object) -> OrderIntent:
    from msgspec.structs import replace as struct_replace

    return struct_replace(intent, **changes)


def open_position(**risk: object) -> tuple[object, int]:
    """A paper desk that is long, and the time after its last event."""
    target = desk(when_allowed("OPEN_LONG"))
    run(target, [RULES, directive(risk=risk), *market(START, wave(64))])
    assert target.engine.snapshot().positions[0].stop_price is not None
    return target, START + 17 * SECOND


def test_control_5_one_decision_one_client_id_and_a_query_before_any_retry() -> None:
    target = engine(when_allowed("OPEN_LONG"))
    steps = run(desk(when_allowed("OPEN_LONG")), [RULES, directive(), *market(START, wave(64))])
    again = run(desk(when_allowed("OPEN_LONG")), [RULES, directive(), *market(START, wave(64))])
    assert [order.client_id for order in placed(steps)] == [order.client_id for order in placed(again)]
    assert len({order.client_id for order in placed(steps)}) == len(placed(steps)) > 1
    out = live_until_placed(target)
    sent_at, entry = out.at, out.order.value
    failed = CommandFailed(sent_at, "place", "unknown", "timeout", SYMBOL, entry.client_id, sent=sent_at)
    after = [command for command in target.step(failed) if isinstance(command, Place | QueryOrder)]
    for n in range(1, 40):
        after += [c for c in target.step(Timer(sent_at + n * SECOND // 4)) if isinstance(c, Place | QueryOrder)]
    assert {type(command) for command in after} == {QueryOrder}
    assert {command.client_id for command in after} == {entry.client_id}
    answer = OrderReport(sent_at + 10 * SECOND, sent_at + 9 * SECOND, SYMBOL, entry.client_id, "NOT_FOUND")
    assert not [command for command in target.step(answer) if isinstance(command, Place)], "an old decision was resent"
    assert target.snapshot().open_orders == 0


def test_control_6_repeated_rejects_latch_until_a_person_re_arms() -> None:
    target = engine(lambda _n, mask, _view: "OPEN_LONG" if mask[1] else "HOLD")
    rejected = 0
    for event in [*live(), *market(START, wave(200))]:
        for command in target.step(event):
            if isinstance(command, Place):
                rejected += 1
                order = command.order.value
                target.step(OrderReport(event.at, event.at, SYMBOL, order.client_id, "REJECTED", reason="-2019"))
    assert rejected == 3
    assert target.snapshot().latches == ("repeated_rejects",)
    assert target.snapshot().halted == "repeated_rejects: 3 entries rejected in a row: -2019"
    end = START + 51 * SECOND
    target.step(directive(end, "live", rearm="looked"))
    assert target.snapshot().latches == ()


def test_control_7_a_losing_streak_latches_and_survives_a_restart() -> None:
    script = lambda _n, mask, view: "CLOSE" if mask[5] else "OPEN_LONG" if mask[1] else "HOLD"  # noqa: E731 - local
    target = desk(script)
    steps = run(target, [RULES, directive(risk={"max_consecutive_losses": 3}), *market(START, wave(400))])
    assert target.engine.snapshot().latches == ("consecutive_losses",)
    assert len([order for order in placed(steps) if order.leg == "entry"]) == 3
    from tradefleet_bot.core.commands import Persist
    from tradefleet_bot.core.events import Restored

    carry = commands(steps, Persist)[-1].carry
    later = START + 200 * SECOND
    again = desk(script)
    events = [Restored(later, carry), RULES, directive(later), *market(later, wave(100))]
    assert placed(run(again, events)) == []
    assert again.engine.snapshot().latches == ("consecutive_losses",)
    cleared = run(again, [directive(later + 30 * SECOND, rearm="x"), *market(later + 30 * SECOND, wave(40))])
    assert placed(cleared)


def test_control_7_the_daily_loss_ends_at_midnight_utc() -> None:
    day = 86_400 * SECOND
    midnight = (START // day + 1) * day
    target = desk(when_allowed("OPEN_LONG"))
    begin = midnight - 100 * SECOND
    run(target, [RULES, directive(begin, risk={"max_daily_loss_ratio": 0.0005}), *market(begin, wave(80))])
    run(target, market(begin + 21 * SECOND, [59_700.0] * 40))
    assert target.engine.snapshot().latches == ("daily_loss",)
    run(target, market(midnight + SECOND, wave(8)))
    assert target.engine.snapshot().latches == ()


def test_control_8_a_liquidation_price_that_comes_near_closes_the_position() -> None:
    target, at = open_position()
    steps = run(target, [LiquidationPrice(at, at, SYMBOL, Decimal(58_000)), *market(at, wave(8))])
    assert target.engine.snapshot().positions == ()
    assert any("liquidation" in record.reason for record in commands(steps, Record))


@pytest.mark.parametrize("stream", ["quote", "trade"])
def test_control_9_a_stream_that_is_down_takes_no_new_risk(stream: str) -> None:
    target = desk(when_allowed("OPEN_LONG"))
    down = FeedState(START, SYMBOL, stream, up=False, reason="gap")  # type: ignore[arg-type]  # parametrised
    assert placed(run(target, [RULES, directive(), down, *market(START, wave(64))])) == []
    assert target.engine.snapshot().halted == f"the {stream} stream is down: gap"
    up = FeedState(START + 17 * SECOND, SYMBOL, stream, up=True)  # type: ignore[arg-type]  # parametrised
    assert placed(run(target, [up, *market(START + 17 * SECOND, wave(8))]))


def test_control_9_stale_data_takes_no_new_risk() -> None:
    target = desk(when_allowed("OPEN_LONG"))
    run(target, [RULES, directive(), *market(START, wave(20))])
    silent = [Timer(START + n * SECOND) for n in range(5, 30)]
    assert placed(run(target, silent)) == []
    assert "ms old" in str(target.engine.snapshot().halted)
    crossed = replace_quote(START + 31 * SECOND)
    run(target, [crossed])
    assert "crossed" in str(target.engine.snapshot().halted)


def test_control_10_a_stop_is_placed_at_the_first_fill_and_covers_all() -> None:
    target = desk(when_allowed("OPEN_LONG"))
    steps = run(target, [RULES, directive(), *market(START, wave(64))])
    entry, stop, target_order = placed(steps)[:3]
    assert (entry.leg, entry.kind, entry.time_in_force) == ("entry", "LIMIT", "IOC")
    assert (stop.leg, stop.side, stop.close_position) == ("stop", "SELL", True)
    assert (target_order.leg, target_order.side, target_order.close_position) == ("take_profit", "SELL", True)
    assert stop.trigger is not None
    assert entry.price is not None
    assert stop.trigger < entry.price


def test_control_10_a_stop_that_is_not_confirmed_in_time_closes_the_position() -> None:
    target, entry = live_long()
    at = target.state.at
    steps = [c for n in range(1, 13) for c in target.step(quote(at + n * SECOND // 4, 60_000.0))]
    exits = [c.order.value for c in steps if isinstance(c, Place)]
    assert [(order.leg, order.reduce_only, order.quantity) for order in exits] == [("exit", True, entry.quantity)]


def test_control_10_a_rejected_stop_closes_the_position_at_once() -> None:
    target, _ = live_long()
    at = target.state.at
    stop = next(o.intent for o in target.state.blotter.orders() if o.intent.leg == "stop")
    out = target.step(OrderReport(at, at, SYMBOL, stop.client_id, "REJECTED", reason="-2021"))
    assert [c.order.value.leg for c in out if isinstance(c, Place)] == ["exit"]


def test_control_11_kill_switch_pause_keeps_position_stop_and_target() -> None:
    target, at = open_position()
    steps = run(target, [directive(at, halt="Pause"), *market(at, wave(16))])
    assert commands(steps, Cancel) == []
    assert len(target.engine.snapshot().positions) == 1
    assert target.engine.snapshot().trading_state == "Paused"


def test_control_11_kill_switch_cancel_leaves_nothing_but_the_stop() -> None:
    target, at = open_position()
    steps = run(target, [directive(at, halt="Cancel"), *market(at, wave(16))])
    assert len(commands(steps, Cancel)) == 1
    view = target.engine.snapshot()
    assert (view.open_orders, len(view.positions), view.positions[0].stop_price is not None) == (1, 1, True)


@pytest.mark.parametrize("changes", [{"halt": "Flatten"}, {"deleting": True}, {"trading_state": "Flatten"}])
def test_control_11_kill_switch_flatten_closes_and_cancels_all(changes: dict[str, object]) -> None:
    target, at = open_position()
    steps = run(target, [directive(at, **changes), *market(at, wave(16))])
    assert target.engine.snapshot().flat
    assert len(commands(steps, CancelAll)) == 1
    assert all(order.reduce_only for order in placed(steps))


def test_control_11_deletion_with_orphan_leaves_the_position_on_purpose() -> None:
    target, at = open_position()
    run(target, [directive(at, deleting=True, deletion_policy="Orphan"), *market(at, wave(16))])
    assert len(target.engine.snapshot().positions) == 1


def test_control_15_another_model_than_the_mandates_or_a_lost_quorum_takes_no_new_risk() -> None:
    target = desk(when_allowed("OPEN_LONG"))
    wrong = directive(model_digest="a" * 64)
    assert placed(run(target, [RULES, wrong, *market(START, wave(64))])) == []
    assert "names bundle" in str(target.engine.snapshot().halted)
    at = START + 17 * SECOND
    target.engine.state.model.quorum_lost = True  # type: ignore[attr-defined]  # the scripted model
    assert placed(run(target, [directive(at, model_digest="d" * 64), *market(at, wave(16))])) == []
    assert target.engine.snapshot().quorum_lost


def test_control_16_every_decision_is_recorded_with_its_reason() -> None:
    steps = run(desk(when_allowed("OPEN_LONG", "CLOSE")), [RULES, directive(), *market(START, wave(80))])
    decisions = [record for record in commands(steps, Record) if record.topic == "decision"]
    assert len(decisions) == 19
    assert all(record.reason for record in decisions)
    assert {record.outcome for record in decisions} == {"held", "approved"}


def live() -> list[object]:
    """What a live bot hears before the market: rules, orders from above, its account."""
    from tradefleet_bot.core.events import AccountFeed, AccountState

    account = AccountState(START, START, "live", Decimal(10_000), (), ())
    return [RULES, directive(START, "live"), AccountFeed(START, "live", up=True), account]


def live_until_placed(target: object) -> Place:
    for event in [*live(), *market(START, wave(64))]:
        for command in target.step(event):  # type: ignore[attr-defined]  # an Engine
            if isinstance(command, Place):
                return command
    raise AssertionError("nothing was placed")


def replace_quote(at: int) -> object:
    return altered(quote(at, 60_000.0), bid=60_001.0, ask=60_000.0)  # type: ignore[arg-type]  # any struct


def live_long() -> tuple[object, OrderIntent]:
    """A live engine whose entry has just filled and whose stop was sent, without an answer yet."""
    from tradefleet_bot.core.events import Fill

    target = engine(when_allowed("OPEN_LONG"))
    out = live_until_placed(target)
    entry, at = out.order.value, out.at
    assert entry.price is not None
    fill = Fill(at, at, SYMBOL, entry.client_id, "t1", "BUY", entry.price, entry.quantity, Decimal(1), False)
    sent = [c.order.value.leg for c in target.step(fill) if isinstance(c, Place)]
    assert sent == ["stop"]
    return target, entry

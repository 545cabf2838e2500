"""Deleting a TradingBot: a live bot flattens first, within a deadline; everything else goes at once."""

from dataclasses import replace

import pytest

from tradefleet_api.botstatus import PositionReport
from tradefleet_operator.actions import Emit, PatchMetadata
from tradefleet_operator.observed import BotObserved, Report
from tradefleet_operator.plan.bot import plan

from .test_plan import A, settle
from .world import World, bot_object, said


def deleted(mode: str = "live", **spec: object) -> BotObserved:
    """A running bot, with its deletion asked for at this moment."""
    world = World(bot_object("v1", mode=mode, tradingState="Running", **spec))
    world.add_model("v1", A)
    settle(world, 2)
    seen = world.observe()
    return replace(seen, meta=replace(seen.meta, deletion=world.now), reports={})


def report(seen: BotObserved, after: float, *, flat: bool) -> BotObserved:
    assert seen.meta.deletion is not None
    held = PositionReport(symbol="BTCUSDT", quantity="0.3", entry_price="60000", unrealized_quote=1.0)
    status = said(A, flat=flat, positions=[] if flat else [held])
    return replace(seen, reports={"stable": Report(seen.meta.deletion + after, status)})


def released(seen: BotObserved, after: float) -> bool:
    assert seen.meta.deletion is not None
    actions = plan(seen, seen.meta.deletion + after).actions
    return any(isinstance(action, PatchMetadata) and action.finalizers == () for action in actions)


def test_a_paper_bot_goes_at_once() -> None:
    assert released(deleted("paper"), 0.1)


def test_a_live_bot_goes_when_it_says_flat_after_it_noticed() -> None:
    seen = deleted()
    assert not released(seen, 1)
    assert not released(report(seen, 1, flat=True), 1), "it may not have noticed its deletion yet"
    assert not released(report(seen, 4, flat=False), 4)
    assert released(report(seen, 4, flat=True), 4)


def test_after_the_deadline_it_goes_and_an_event_says_what_stayed_open() -> None:
    seen = report(deleted(), 50, flat=False)
    assert not released(seen, 59.9)
    assert released(seen, 60)
    assert seen.meta.deletion is not None
    event = plan(seen, seen.meta.deletion + 60).actions[0]
    assert isinstance(event, Emit)
    assert (event.type, event.reason) == ("Warning", "FlattenIncomplete")
    assert "BTCUSDT 0.3" in event.message


def test_a_live_bot_that_does_not_answer_is_waited_for_only_while_it_has_a_pod_to_come() -> None:
    seen = deleted()
    assert not released(seen, 30)
    assert released(replace(seen, children={}), 30)


@pytest.mark.parametrize("spec", [{"deletionPolicy": "Orphan"}, {}])
def test_orphan_and_the_annotation_skip_the_wait(spec: dict[str, object]) -> None:
    seen = report(deleted(**spec), 1, flat=False)
    if not spec:
        seen = replace(seen, meta=replace(seen.meta, annotations={"tradefleet.dev/skip-flatten": "true"}))
    assert released(seen, 1)


def test_nothing_is_made_while_it_goes() -> None:
    seen = replace(deleted(), children={})
    assert all(not hasattr(action, "manifest") for action in plan(seen, 0).actions)
    gone = replace(seen, meta=replace(seen.meta, finalizers=()))
    assert plan(gone, 0).actions == ()

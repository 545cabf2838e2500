"""Single decisions of the planner: each refusal, deadline and recovery, with its reason."""

from dataclasses import replace

import pytest

from tradefleet_api.tradingbot import TradingBotStatus
from tradefleet_operator.actions import Apply, Emit, PatchMetadata, PatchStatus
from tradefleet_operator.observed import Report
from tradefleet_operator.plan.bot import plan
from tradefleet_operator.plan.conditions import find

from .world import World, bot_object, said

A, B, C = "a" * 64, "b" * 64, "c" * 64


def settle(world: World, rounds: int = 12, seconds: float = 7.0) -> TradingBotStatus:
    """Let controllers, bots, clock and operator work for a while."""
    for _ in range(rounds):
        world.converge()
        world.run_pods()
        world.now += seconds
        world.refresh()
    world.converge()
    return world.status


def running() -> World:
    world = World(bot_object("v1"))
    world.add_model("v1", A)
    world.add_model("v2", B)
    assert settle(world, 2).phase == "Healthy"
    return world


def shadowing() -> World:
    world = running()
    world.edit(model={"name": "v2"})
    settle(world, 2)
    step = world.status.step
    assert step is not None
    assert step.name == "Shadow"
    return world


def reason(status: TradingBotStatus, kind: str) -> str | None:
    found = find(status.conditions, kind)  # type: ignore[arg-type] # any condition
    return found.reason if found else None


def test_a_first_model_waits_until_it_is_verified_however_long_that_takes() -> None:
    world = World(bot_object("v1"))
    world.converge()
    assert reason(world.status, "ModelVerified") == "ModelVersionNotFound"
    world.add_model("v1", A, phase=None)
    assert settle(world, 3, 3600).phase == "Pending"
    assert not [kind for kind, _ in world.children if kind == "StatefulSet"]
    world.judge("v1", "Verified")
    assert settle(world, 2).phase == "Healthy"


def test_the_finalizer_comes_before_anything_else() -> None:
    first = plan(World(bot_object("v1")).observe(), 0.0).actions[0]
    assert isinstance(first, PatchMetadata)
    assert first.finalizers == ("tradefleet.dev/flatten",)


def test_the_decision_is_written_before_anything_is_made_from_it() -> None:
    world = World(bot_object("v1"))
    world.add_model("v1", A)
    actions = plan(world.observe(), world.now).actions
    kinds = [type(action) for action in actions]
    assert kinds.index(PatchStatus) < kinds.index(Apply)
    assert isinstance(actions[-1], Apply)
    assert actions[-1].ref.kind == "StatefulSet", "what a pod needs is there before it"


def test_a_rejected_candidate_never_starts_and_is_not_tried_again() -> None:
    world = running()
    world.add_model("v3", C, "Rejected")
    stable = world.children["StatefulSet", "btc-stable"]
    world.edit(model={"name": "v3"})
    status = settle(world)
    assert (status.phase, reason(status, "Stalled")) == ("Degraded", "RolledBack")
    assert reason(status, "Ready") == "Running", "stable trades on"
    assert status.failed is not None
    assert status.failed.name == "v3"
    assert [entry.outcome for entry in status.history or []] == ["Rejected"], "once"
    assert world.children["StatefulSet", "btc-stable"] == stable
    world.edit(model={"name": "v1"})
    assert settle(world, 1).phase == "Healthy"


@pytest.mark.parametrize("trouble", ["bot: CrashLoopBackOff: no quorum", "fetch: Error: bundle digest mismatch: x"])
def test_a_candidate_that_cannot_start_is_rolled_back_before_its_deadline(trouble: str) -> None:
    world = shadowing()
    world.pods["shadow"] = replace(world.pods["shadow"], ready_since=None, restarts=3, trouble=trouble)
    world.converge()
    status = world.status
    assert status.failed is not None
    assert trouble in (status.message or "")
    assert world.digest_of("shadow") is None
    assert world.digest_of("stable") == A


def test_a_candidate_that_reports_another_digest_is_rolled_back() -> None:
    world = shadowing()
    world.reports["shadow"] = Report(world.now, said(C, arm="shadow"))
    world.converge()
    assert f"reports digest {C}, expected {B}" in (world.status.message or "")


def test_a_candidate_that_is_not_healthy_in_time_is_rolled_back_but_not_for_time_without_an_operator() -> None:
    world = shadowing()
    world.pods["shadow"] = replace(world.pods["shadow"], ready_since=None)
    world.converge()
    world.now += 86_400
    world.watching_since = world.now - 60
    world.converge()
    assert world.status.failed is None, "the operator has waited for a minute only"
    world.now += 61
    world.converge()
    assert "not healthy within 120 s" in (world.status.message or "")


def test_healthy_time_is_gathered_over_an_interruption_and_unwitnessed_time_is_not() -> None:
    world = shadowing()
    world.now += 13
    world.refresh()
    pod = world.pods["shadow"]
    world.now += 2
    world.pods["shadow"] = replace(pod, ready_since=None)
    world.converge()
    step = world.status.step
    assert step is not None
    assert step.ready_at is None
    assert 13 <= (step.healthy_seconds or 0) < 30
    world.pods["shadow"] = replace(pod, ready_since=world.now + 5)
    world.now += 6
    world.refresh()
    world.converge()
    step = world.status.step
    assert step is not None
    assert step.name == "Shadow"
    world.now += 30
    world.pods["shadow"] = replace(pod, ready_since=world.now - 1)  # it restarted while nobody looked
    world.refresh()
    world.converge()
    step = world.status.step
    assert step is not None
    assert step.name == "Shadow", "time before an unseen restart does not count"


def test_a_promotion_that_does_not_come_up_goes_back_to_stable() -> None:
    world = shadowing()
    for _ in range(8):
        world.now += 7
        world.refresh()
        world.step()
    assert world.digest_of("stable") == B
    world.run_pods(ready=False)
    world.now += 121
    world.converge()
    world.run_pods()
    status = settle(world, 1)
    assert world.digest_of("stable") == A
    assert status.stable is not None
    assert status.stable.name == "v1"
    assert [entry.outcome for entry in status.history or []] == ["RolledBack"]


def test_retry_tries_a_failed_candidate_once_more_and_takes_the_annotation_away() -> None:
    world = shadowing()
    world.reports["shadow"] = Report(world.now, said(C, arm="shadow"))
    world.converge()
    world.bot["metadata"]["annotations"] = {"tradefleet.dev/retry": "please"}
    world.pods.clear()
    status = settle(world)
    assert status.stable is not None
    assert status.stable.name == "v2"
    assert world.bot["metadata"]["annotations"] == {}


def test_a_third_version_replaces_the_candidate_and_going_back_cancels_it() -> None:
    world = shadowing()
    world.add_model("v3", C)
    world.edit(model={"name": "v3"})
    world.converge()
    world.edit(model={"name": "v1"})
    status = settle(world, 1)
    assert status.phase == "Healthy"
    assert [(entry.model, entry.outcome) for entry in status.history or []] == [("v2", "Replaced"), ("v3", "Replaced")]


def test_history_keeps_the_last_ten() -> None:
    world = running()
    for number in range(12):
        world.add_model(f"bad{number}", f"{number:064x}", "Rejected")
        world.edit(model={"name": f"bad{number}"})
        world.converge()
    assert [entry.model for entry in world.status.history or []] == [f"bad{number}" for number in range(2, 12)]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"venue": {"type": "bybit-linear"}}, "bybit-linear"),
        ({"mode": "live", "venue": {"type": "binance-usdm", "credentialsSecretRef": {"name": "key"}}}, "mode live"),
        ({"symbols": []}, "symbols"),
    ],
)
def test_what_is_not_run_leaves_the_last_good_spec_running(change: dict[str, object], words: str) -> None:
    world = running()
    children = dict(world.children)
    world.edit(**change)
    status = settle(world, 2)
    assert (status.phase, reason(status, "InvalidSpec")) == ("Degraded", "NotRunnable")
    assert words in (status.message or "")
    assert world.children == children, "no pod churn"
    del world.children["StatefulSet", "btc-stable"]
    assert settle(world, 2).phase == "Degraded"
    assert world.children.keys() == children.keys(), "drift is repaired from the last good spec"
    world.edit(symbols=["BTCUSDT"], venue={"type": "sim"}, mode="paper")
    assert settle(world, 2).phase == "Healthy"
    assert "SpecAccepted" in [event.reason for event in world.events]


def test_a_spec_that_was_never_good_makes_nothing() -> None:
    world = World(bot_object("v1", venue={"type": "bybit-linear"}))
    world.converge()
    assert world.children == {}
    assert world.status.phase == "Degraded"


def test_an_object_of_somebody_else_is_never_taken_over() -> None:
    world = World(bot_object("v1"))
    world.add_model("v1", A)
    foreign = {"kind": "Service", "metadata": {"name": "btc-stable", "namespace": "ns", "uid": "theirs"}}
    world.children["Service", "btc-stable"] = foreign
    world.converge()
    assert reason(world.status, "Stalled") == "NotOwned"
    assert world.children == {("Service", "btc-stable"): foreign}
    del world.children["Service", "btc-stable"]
    assert settle(world, 2).phase == "Healthy"


def test_events_are_told_once() -> None:
    world = running()
    world.edit(model={"name": "v2"})
    settle(world)
    reasons = [event.reason for event in world.events]
    expected = ["ModelSelected", "Ready", "RolloutVerify", "RolloutShadow", "RolloutPromote", "Promoted"]
    expected.append("Ready")
    assert [reason for reason in reasons if reason in expected] == expected
    assert all(isinstance(event, Emit) and len(event.message) > 5 for event in world.events)


def test_paused_and_halted_bots_say_so() -> None:
    world = running()
    world.edit(tradingState="Paused")
    world.converge()
    assert world.status.phase == "Paused"
    world.edit(tradingState="Running")
    world.bot["metadata"]["annotations"] = {"tradefleet.dev/halt": "Flatten"}
    world.converge()
    assert (world.status.phase, world.status.message) == ("Paused", "halted by annotation: Flatten")


def test_what_the_bot_reports_is_written_at_most_every_ten_seconds_and_only_when_it_changed() -> None:
    world = running()
    for passed, equity, written in ((1.0, 2.0, None), (10.0, 3.0, "3.00"), (10.0, 3.0, "3.00")):
        world.now += passed
        before = world.status.bot
        world.reports["stable"] = Report(world.now, said(A, equity_quote=equity))
        world.converge()
        after = world.status.bot
        assert after is not None
        assert after == before if written is None else after.equity == written

"""The parts around the planner: queue, store, poller, election, settings, what containers say."""

import asyncio
import socket
import time
from collections.abc import Iterator
from typing import Any

import aiohttp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradefleet_operator.actions import Ref
from tradefleet_operator.covers import covers, merge_patch
from tradefleet_operator.election import LEASE, RENEW, RETRY, Record, Seen, decide, look, lost
from tradefleet_operator.keys import Key
from tradefleet_operator.observed import PodView
from tradefleet_operator.poll import Poller
from tradefleet_operator.settings import Settings, SettingsError
from tradefleet_operator.store import Store
from tradefleet_operator.views import check_view, pod_view
from tradefleet_operator.workqueue import WorkQueue

from .playground import Bots, report
from .world import merged_with

Json = dict[str, Any]
json_values = st.recursive(
    st.one_of(st.integers(0, 3), st.sampled_from("ab")),
    lambda inner: st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=8,
)
objects = st.dictionaries(st.sampled_from("abcd"), json_values, max_size=4)


def item(kind: str, name: str, version: int, *, uid: str = "u", **more: Any) -> Json:
    metadata = {
        "namespace": "ns",
        "name": name,
        "uid": uid,
        "resourceVersion": str(version),
        **more.pop("metadata", {}),
    }
    return {"kind": kind, "metadata": metadata, **more}


def bot(model: str, version: int = 1) -> Json:
    return item("TradingBot", "btc", version, spec={"model": {"name": model}})


BTC = Key("TradingBot", "ns", "btc")
CONTROLLER = {"ownerReferences": [{"controller": True, "kind": "TradingBot", "name": "btc", "uid": "u"}]}


# The queue


async def test_a_key_waits_once_and_is_worked_on_by_one_worker() -> None:
    queue: WorkQueue[str] = WorkQueue(time.monotonic)
    queue.add("a")
    queue.add("a")
    assert len(queue) == 1
    assert await queue.get() == "a"
    queue.add("a")
    assert len(queue) == 0, "not while it is worked on"
    queue.done("a")
    assert len(queue) == 1, "but once more afterwards"


async def test_a_key_backs_off_and_an_event_comes_first() -> None:
    queue: WorkQueue[str] = WorkQueue(time.monotonic)
    assert [queue.retry("a") for _ in range(3)] == [0.1, 0.2, 0.4]
    async with asyncio.timeout(2):
        assert await queue.get() == "a", "the earliest of the times"
    queue.done("a")
    queue.forget("a")
    assert queue.retry("a") == 0.1
    queue.add("a")
    assert len(queue) == 1
    await queue.get()
    queue.done("a")
    await asyncio.sleep(0.15)
    assert len(queue) == 0, "the time was for the same work"


async def test_a_queue_knows_for_how_long_nothing_moved() -> None:
    now = 100.0
    queue: WorkQueue[str] = WorkQueue(lambda: now)
    now = 200.0
    assert queue.stuck_for() == 0.0, "idle is not stuck"
    queue.add("a")
    now = 230.0
    assert queue.stuck_for() == 30.0
    await queue.get()
    queue.done("a")
    assert queue.stuck_for() == 0.0


# The store


def test_an_old_event_does_not_take_a_write_back() -> None:
    store = Store()
    assert store.put(bot("v1", 5)) >= {BTC}
    assert store.put(bot("v0", 4)) == frozenset()
    assert store.put(bot("v1", 5)) == frozenset(), "the echo of a write is no news"
    assert store.users("ns", "v1") == ("btc",)
    assert store.put(bot("v2", 6)) == {BTC, Key("ModelVersion", "ns", "v1"), Key("ModelVersion", "ns", "v2")}
    assert store.users("ns", "v1") == ()


def test_a_successor_of_the_same_name_survives_the_news_of_its_predecessors_death() -> None:
    store = Store()
    store.put(bot("v1", 5))
    second = {**bot("v1", 7), "metadata": {**bot("v1", 7)["metadata"], "uid": "second"}}
    store.put(second)
    assert store.drop(bot("v1", 9)) == frozenset()
    assert store.put(bot("v1", 6)) == frozenset(), "a late answer about the predecessor"
    assert store.get(BTC.ref) == second


def test_children_belong_to_their_bot_and_models_call_their_users() -> None:
    store = Store()
    store.put(bot("v1"))
    child = item("StatefulSet", "btc-stable", 1, metadata=CONTROLLER)
    assert store.put(child) == {BTC}
    pod = item("Pod", "btc-stable-0", 1, metadata={"labels": {"tradefleet.dev/bot": "btc"}, "managedFields": [1]})
    assert store.put(pod) == {BTC}
    assert set(store.children(BTC)) == {("StatefulSet", "btc-stable"), ("Pod", "btc-stable-0")}
    assert "managedFields" not in store.children(BTC)["Pod", "btc-stable-0"]["metadata"]  # type: ignore[operator] # a mapping
    assert BTC in store.put(item("ModelVersion", "v1", 1))
    assert store.drop(child) == {BTC}
    assert set(store.children(BTC)) == {("Pod", "btc-stable-0")}
    assert store.get(Ref("StatefulSet", "ns", "btc-stable")) is None


# Election


@given(
    delays=st.lists(st.tuples(st.booleans(), st.floats(0.01, 12.0)), min_size=1, max_size=60),
    skew=st.floats(-1000, 1000),
)
def test_two_replicas_never_lead_at_the_same_time(delays: list[tuple[bool, float]], skew: float) -> None:
    """Each acts at any moment with a clock of its own; one that cannot renew has stopped before another starts."""
    lease: Record | None = None
    version, now = 0, 0.0
    seen: dict[str, Seen | None] = {"a": None, "b": None}
    renewed: dict[str, float] = {}
    clocks = {"a": 0.0, "b": skew}
    for first, delay in delays:
        now += delay
        renewed = {who: at for who, at in renewed.items() if not lost(at, now)}  # each watches its own time
        me = "a" if first else "b"
        seen[me] = look(seen[me], lease, now + clocks[me])
        move = decide(seen[me], me, now + clocks[me])  # type: ignore[arg-type] # set in the line before
        if move.kind == "wait":
            continue
        version += 1
        lease = Record(me, move.transitions, str(version))
        seen[me] = look(seen[me], lease, now + clocks[me])
        renewed[me] = now
        assert set(renewed) == {me}, "two leaders"


def test_times_leave_room() -> None:
    assert LEASE > RENEW > 1.2 * RETRY


def test_a_released_lease_is_taken_at_once() -> None:
    assert decide(Seen(Record("", 4, "9"), at=0.0), "a", 0.0).transitions == 5


# Comparing and patching


@given(before=objects, after=objects)
def test_a_merge_patch_leads_from_one_to_the_other(before: Json, after: Json) -> None:
    patch = merge_patch(before, after)
    assert merged_with(before, patch) == after
    assert (patch == {}) == (before == after)


@given(live=objects, more=objects)
def test_what_was_only_added_to_is_covered(live: Json, more: Json) -> None:
    assert covers({**more, **live}, live)


@pytest.mark.parametrize(
    ("live", "wanted", "same"),
    [
        ({"c": [{"name": "x", "image": "1"}, {"name": "istio"}]}, {"c": [{"name": "x", "image": "1"}]}, True),
        ({"c": [{"name": "x", "image": "2"}]}, {"c": [{"name": "x", "image": "1"}]}, False),
        ({"args": ["a", "b"]}, {"args": ["a"]}, False),
        ({"rules": [{"verbs": ["get"]}]}, {"rules": []}, False),
        ({"a": None}, {"a": {"b": 1}}, False),
    ],
)
def test_drift_is_told_from_what_others_add(live: Json, wanted: Json, same: bool) -> None:
    assert covers(live, wanted) == same


# Views


def test_a_pod_in_trouble_says_why() -> None:
    ended = {"exitCode": 1, "reason": "Error", "message": "loading\ntradefleet: no quorum\n"}
    waiting = {"state": {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off"}}}
    container = {"name": "bot", "restartCount": 4, "lastState": {"terminated": ended}, **waiting}
    view = pod_view(item("Pod", "p", 1, status={"containerStatuses": [container]}))
    assert (view.trouble, view.restarts, view.ready_since) == ("bot: CrashLoopBackOff: no quorum", 4, None)
    starting = {"name": "bot", "state": {"waiting": {"reason": "PodInitializing"}}}
    assert pod_view(item("Pod", "p", 1, status={"containerStatuses": [starting]})).trouble is None


def test_the_last_failure_of_a_check_is_seen_while_the_kubelet_backs_off() -> None:
    ended = {"terminated": {"exitCode": 1, "message": "tradefleet: x: the server answered 503"}}
    fetch = {"name": "fetch", "state": {"waiting": {"reason": "CrashLoopBackOff"}}, "lastState": ended}
    view = check_view(item("Pod", "p", 1, status={"initContainerStatuses": [fetch]}))
    assert view.fetch_message == "x: the server answered 503"
    assert view.verify_exit is None


# The poller


@pytest.fixture
def bots() -> Iterator[Bots]:
    server = Bots()
    yield server
    server.close()


async def test_bots_are_asked_seldom_and_a_silent_one_keeps_its_last_report(bots: Bots) -> None:
    now = 1000.0
    told: list[Key] = []
    pod = PodView("btc-stable-0", "uid", "d", "127.0.0.1", None)
    bots.reports["127.0.0.1"] = report("ns", "btc", "stable", "d")
    async with aiohttp.ClientSession() as session:
        poller = Poller(session, lambda: now, bots.port, told.append)
        first = await poller.report(BTC, pod, 10.0)
        assert first is not None
        assert first.status is not None
        bots.reports.clear()
        now += 9.0
        assert await poller.report(BTC, pod, 10.0) == first, "not asked again"
        now += 1.0
        silent = await asked(poller, pod, told)
        assert (silent.at, silent.status, silent.error) == (first.at, first.status, "HTTP 503")
        poller.keep(set())
        again = await poller.report(BTC, pod, 10.0)
        assert again is not None
        assert again.status is None
        await poller.close()


async def asked(poller: Poller, pod: PodView, told: list[Key]) -> Any:
    """The report once an answer has come, at once or announced."""
    found = await poller.report(BTC, pod, 10.0)
    async with asyncio.timeout(5):
        while found is None or found.error is None:
            if told:
                found = await poller.report(BTC, pod, 10.0)
            await asyncio.sleep(0.01)
    return found


async def test_a_bot_that_hangs_holds_nobody_up_after_its_first_question() -> None:
    now = 1000.0
    told: list[Key] = []
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        async with aiohttp.ClientSession() as session:
            poller = Poller(session, lambda: now, deaf.getsockname()[1], told.append)
            pod = PodView("btc-stable-0", "uid", "d", "127.0.0.1", None)
            found = await poller.report(BTC, pod, 10.0)
            assert found is not None
            assert (found.status, found.error) == (None, "TimeoutError")
            now += 11.0
            started = time.monotonic()
            await poller.report(BTC, pod, 10.0)
            assert time.monotonic() - started < 1.5, "far less than the time that a question may take"
            await poller.close()


# Settings


def test_settings_name_what_is_missing_or_wrong() -> None:
    good = {"TRADEFLEET_BOT_IMAGE": "bot:1", "TRADEFLEET_NAMESPACE": "ns", "TRADEFLEET_WATCH_NAMESPACES": "b, a,"}
    assert Settings.from_environment(good).namespaces == ("a", "b")
    assert Settings.from_environment(good).defaults.sim_rest is None
    with pytest.raises(SettingsError, match="TRADEFLEET_BOT_IMAGE is not set"):
        Settings.from_environment({})
    with pytest.raises(SettingsError, match="TRADEFLEET_HEALTH_PORT is '70000'"):
        Settings.from_environment({**good, "TRADEFLEET_HEALTH_PORT": "70000"})

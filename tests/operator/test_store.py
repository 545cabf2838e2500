"""What the operator knows of the cluster, where writes' answers and watch events cross each other."""

from typing import Any

from tradefleet_operator.actions import Ref
from tradefleet_operator.store import Store

REF = Ref("TradingBot", "trading", "btc")


def bot(version: int, **metadata: Any) -> dict[str, Any]:
    named = {"namespace": "trading", "name": "btc", "uid": "1", "resourceVersion": str(version)}
    return {"kind": "TradingBot", "metadata": named | metadata, "spec": {"model": {"name": "v1"}}}


DELETED = {"deletionTimestamp": "2026-01-01T00:00:00Z", "deletionGracePeriodSeconds": 0}


def test_a_bot_that_lost_its_last_finalizer_stays_gone_whatever_order_the_news_come_in() -> None:
    released = bot(3, **DELETED)  # the answer to the patch that took the finalizer away
    for order in (("watch", "answer"), ("answer", "watch")):
        store = Store()
        store.put(bot(2, **DELETED, finalizers=["tradefleet.dev/flatten"]))
        assert store.users("trading", "v1") == ("btc",)
        for news in order:
            store.drop(bot(3, **DELETED)) if news == "watch" else store.put(dict(released))
        assert store.get(REF) is None, order
        assert store.users("trading", "v1") == ()


def test_a_late_answer_does_not_bring_the_dead_back_but_a_successor_may_come() -> None:
    store = Store()
    store.put(bot(2))
    store.drop(bot(5))
    assert store.put(bot(4)) == frozenset()
    assert store.get(REF) is None
    assert store.put(bot(6, uid="2"))
    assert store.get(REF) == bot(6, uid="2")


def test_a_terminating_pod_is_still_there_until_its_grace_period_ends() -> None:
    store = Store()
    pod: dict[str, Any] = {
        "kind": "Pod",
        "metadata": {"namespace": "trading", "name": "p", "uid": "2", "resourceVersion": "1"},
    }
    leaving = {"deletionTimestamp": "2026-01-01T00:00:00Z", "deletionGracePeriodSeconds": 30}
    store.put({**pod, "metadata": pod["metadata"] | leaving})
    assert store.get(Ref("Pod", "trading", "p")) is not None

"""The planner under all that can happen, in any order, killed after any action: it converges and does no harm."""

from dataclasses import replace

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tradefleet_operator.observed import Report
from tradefleet_operator.plan.bot import plan

from .world import ARMS, World, bot_object, said

NAMES = ("v1", "v2", "v3", "v4")
DIGESTS = {name: letter * 64 for name, letter in zip(NAMES, "abcd", strict=True)}
arms = st.sampled_from(ARMS)
names = st.sampled_from(NAMES)


class Fleet(RuleBasedStateMachine):
    """Users, models, pods, bots, clocks and the operator take turns in any order."""

    @initialize(live=st.booleans(), begun=st.booleans(), rounds=st.integers(0, 9))
    def begin(self, live: bool, begun: bool, rounds: int) -> None:
        """From nothing, or from anywhere on the road from v1 to v2."""
        self.world = World(bot_object("v1", mode="live" if live else "paper"))
        if begun:
            for name in ("v1", "v2"):
                self.world.add_model(name, DIGESTS[name])
            self.all_goes_well(2)
            self.world.edit(model={"name": "v2"})
            self.all_goes_well(rounds)

    @rule(rounds=st.integers(1, 8))
    def all_goes_well(self, rounds: int) -> None:
        for _ in range(rounds):
            self.world.step()
            self.world.run_pods()
            self.world.now += 7.0
            self.world.refresh()

    @rule(name=st.sampled_from((*NAMES, "missing")))
    def change_model(self, name: str) -> None:
        self.world.edit(model={"name": name})

    @rule(name=names, phase=st.sampled_from((None, "Verified", "Rejected")))
    def model_arrives(self, name: str, phase: str | None) -> None:
        if name not in self.world.models:
            self.world.add_model(name, DIGESTS[name], phase)

    @rule(name=names, good=st.booleans())
    def verdict(self, name: str, good: bool) -> None:
        model = self.world.models.get(name)
        if model is not None and "status" not in model:
            self.world.judge(name, "Verified" if good else "Rejected")

    @rule(venue=st.sampled_from(("sim", "sim", "bybit-linear")), symbol=st.sampled_from(("BTCUSDT", "ETHUSDT")))
    def change_venue(self, venue: str, symbol: str) -> None:
        self.world.edit(venue={"type": venue}, symbols=[symbol])

    @rule(ready=st.booleans())
    def controllers(self, ready: bool) -> None:
        self.world.run_pods(ready=ready)

    @rule(arm=arms)
    def pod_dies(self, arm: str) -> None:
        self.world.pods.pop(arm, None)
        self.world.reports.pop(arm, None)

    @rule(arm=arms, trouble=st.sampled_from(("bot: Error: no quorum", "fetch: Error: bundle digest mismatch: x")))
    def pod_crashes(self, arm: str, trouble: str) -> None:
        if (pod := self.world.pods.get(arm)) is not None:
            self.world.pods[arm] = replace(pod, ready_since=None, restarts=pod.restarts + 1, trouble=trouble)

    @rule(arm=arms)
    def pod_gets_ready(self, arm: str) -> None:
        if (pod := self.world.pods.get(arm)) is not None and pod.ready_since is None:
            self.world.pods[arm] = replace(pod, ready_since=self.world.now, trouble=None)

    @rule(arm=arms, digest=st.sampled_from(tuple(DIGESTS.values())))
    def bot_reports_another_digest(self, arm: str, digest: str) -> None:
        if arm in self.world.pods:
            self.world.reports[arm] = Report(self.world.now, said(digest, arm=arm))

    @rule()
    def bots_are_asked(self) -> None:
        self.world.refresh()

    @rule(seconds=st.sampled_from((-3600.0, -5.0, 0.4, 1.0, 31.0, 121.0, 86_400.0)))
    def clock(self, seconds: float) -> None:
        self.world.now += seconds

    @rule(name=st.sampled_from(("tradefleet.dev/retry", "tradefleet.dev/halt")))
    def annotate(self, name: str) -> None:
        self.world.bot["metadata"].setdefault("annotations", {})[name] = "now"

    @precondition(lambda self: self.world.children)
    @rule(data=st.data())
    def somebody_deletes_a_child(self, data: st.DataObject) -> None:
        key = data.draw(st.sampled_from(sorted(self.world.children)))
        del self.world.children[key]

    @precondition(lambda self: ("StatefulSet", "btc-stable") in self.world.children)
    @rule()
    def somebody_edits_a_child(self) -> None:
        self.world.children["StatefulSet", "btc-stable"]["spec"]["replicas"] = 3

    @rule(killed_after=st.integers(0, 9))
    def operator_dies(self, killed_after: int) -> None:
        self.world.step(stop_after=killed_after)

    @rule()
    def operator_converges(self) -> None:
        world = self.world
        trading, history = world.digest_of("stable"), len(world.status.history or [])
        world.converge()
        status = world.status
        step = status.step.name if status.step else None
        if step != "Shadow":
            assert world.digest_of("shadow") is None, "a shadow arm only in its step"
        promoting = status.candidate is not None and step == "Promote"
        expected = status.candidate if promoting else status.stable
        found = world.digest_of("stable")
        assert found == (expected.digest if expected else None) or trading is None
        outcomes = [entry.outcome for entry in (status.history or [])[history:]]
        if trading is not None and set(outcomes) <= {"Rejected", "Replaced"} and step != "Promote":
            assert found in {trading, status.stable and status.stable.digest}
        configs = [name for kind, name in world.children if kind == "ConfigMap" and "-stable-" in name]
        assert len(configs) <= 1, "configuration that nothing uses is collected"

    @invariant()
    def same_decision_twice(self) -> None:
        if hasattr(self, "world"):
            observed = self.world.observe()
            assert plan(observed, self.world.now) == plan(observed, self.world.now)


Fleet.TestCase.settings = settings(
    max_examples=50, stateful_step_count=25, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
TestFleet = Fleet.TestCase


@settings(max_examples=40, deadline=None)
@given(cuts=st.lists(st.integers(0, 8), max_size=12), seconds=st.sampled_from((1.0, 7.0, 29.0)))
def test_a_rollout_ends_the_same_wherever_the_operator_dies(cuts: list[int], seconds: float) -> None:
    """Killed after any action of any pass, the good candidate is promoted and everything of the old one is gone."""
    world = World(bot_object("v1"))
    for name in ("v1", "v2"):
        world.add_model(name, DIGESTS[name])
    world.converge()
    world.run_pods()
    world.converge()
    world.edit(model={"name": "v2"})
    for cut in cuts:
        world.step(stop_after=cut)
        world.run_pods()
        world.now += seconds
        world.refresh()
    for _ in range(40):
        world.converge()
        if (status := world.status).phase == "Healthy":
            break
        world.run_pods()
        world.now += seconds
        world.refresh()
    assert status.phase == "Healthy"
    assert status.stable is not None
    assert status.stable.name == "v2"
    assert status.candidate is status.failed is status.step is None
    assert [entry.outcome for entry in status.history or []] == ["Promoted"]
    assert sorted(name for kind, name in world.children if kind == "StatefulSet") == ["btc-stable"]
    assert [event.reason for event in world.events].count("Promoted") <= 1

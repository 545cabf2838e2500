"""A cluster in memory: what the planner sees and does, without time passing by itself. Every write is checked."""

import copy
import json
from dataclasses import dataclass, field
from typing import Any

from tradefleet_api.botstatus import BotStatus
from tradefleet_api.tradingbot import TradingBotSpec, TradingBotStatus
from tradefleet_operator.actions import Action, Apply, Delete, Emit, PatchMetadata, PatchStatus
from tradefleet_operator.covers import merge_patch
from tradefleet_operator.manifests.configmap import LAST_GOOD_KEY, last_good_name
from tradefleet_operator.names import ANNOTATION_DIGEST
from tradefleet_operator.observed import BotObserved, Defaults, PodView, Report
from tradefleet_operator.plan.bot import plan
from tradefleet_operator.views import meta, model_view, read, status_of

Json = dict[str, Any]
DEFAULTS = Defaults(image="bot:1", sim_rest="http://sim:9010", sim_stream="ws://sim:9010")
START = 1_750_000_000.0
ARMS = ("stable", "shadow")
LONGEST_ROAD = 12
"""Plans after which a world that stands still must need nothing more."""


def bot_object(model: str, **spec: Any) -> Json:
    return {
        "apiVersion": "tradefleet.dev/v1alpha1", "kind": "TradingBot",
        "metadata": {"namespace": "ns", "name": "btc", "uid": "bot-uid", "generation": 1, "resourceVersion": "1"},
        "spec": {"symbols": ["BTCUSDT"], "model": {"name": model},
                 "rollout": {"shadow": {"duration": "30s"}, "progressDeadline": "2m"}, **spec},
    }  # fmt: skip


def said(digest: str, **more: Any) -> BotStatus:
    values: Json = {
        "namespace": "ns", "name": "btc", "arm": "stable", "model": "m", "model_digest": digest, "mode": "paper",
        "trading_state": "Running", "mandate_sequence": 1, "orders_fresh": True, "connected": True, "warm": True,
        "reconciled": True, "flat": True, "started_at": "2026-01-01T00:00:00Z", "equity_quote": 1.0,
    }  # fmt: skip
    return BotStatus.model_validate(values | more)


def verdict(model: Json, phase: str) -> None:
    """What the operator's other half writes."""
    digest = model["spec"]["artifact"]["sha256"]
    model["status"] = {"phase": phase, "observedGeneration": 1, "message": phase.lower()}
    if phase == "Verified":
        model["status"]["digest"] = digest


@dataclass
class World:
    """One TradingBot and its surroundings."""

    bot: Json
    now: float = START
    models: dict[str, Json] = field(default_factory=dict)
    children: dict[tuple[Any, str], Json] = field(default_factory=dict)
    pods: dict[str, PodView] = field(default_factory=dict)
    reports: dict[str, Report] = field(default_factory=dict)
    ever_verified: set[str] = field(default_factory=set)
    events: list[Emit] = field(default_factory=list)
    uids: int = 0
    watching_since: float = 0.0

    # What people and controllers do

    def add_model(self, name: str, digest: str, phase: str | None = "Verified") -> None:
        self.models[name] = {
            "kind": "ModelVersion",
            "metadata": {"namespace": "ns", "name": name, "uid": f"mv-{name}", "generation": 1, "resourceVersion": "1"},
            "spec": {"artifact": {"uri": f"configmap://{name}/bundle.tar", "sha256": digest}},
        }
        if phase is not None:
            self.judge(name, phase)

    def judge(self, name: str, phase: str) -> None:
        verdict(self.models[name], phase)
        if phase == "Verified":
            self.ever_verified.add(self.models[name]["spec"]["artifact"]["sha256"])

    def edit(self, **spec: Any) -> None:
        self.bot["spec"] = {**self.bot["spec"], **spec}
        self.bot["metadata"]["generation"] += 1

    def run_pods(self, *, ready: bool = True) -> None:
        """The controllers' and the kubelet's turn: each StatefulSet has its pod, of its present template."""
        for arm in ARMS:
            workload = self.children.get(("StatefulSet", f"btc-{arm}"))
            if workload is None:
                self.pods.pop(arm, None)
                self.reports.pop(arm, None)
                continue
            digest = workload["spec"]["template"]["metadata"]["annotations"][ANNOTATION_DIGEST]
            pod = self.pods.get(arm)
            if pod is None or pod.digest != digest:
                since = self.now if ready else None
                self.pods[arm] = PodView(f"btc-{arm}-0", f"pod-{self.uid()}", digest, "10.0.0.1", since)
                self.reports[arm] = Report(self.now, said(digest, arm=arm))

    def refresh(self) -> None:
        """Bots are asked again."""
        for arm, report in self.reports.items():
            if report.status is not None:
                self.reports[arm] = Report(self.now, report.status)

    def uid(self) -> int:
        self.uids += 1
        return self.uids

    # What the operator does

    def observe(self) -> BotObserved:
        spec, error = read(TradingBotSpec, self.bot["spec"])
        views = {name: model_view(item) for name, item in self.models.items()}
        kept = self.children.get(("ConfigMap", last_good_name("btc")))
        last_good = TradingBotSpec.model_validate(json.loads(kept["data"][LAST_GOOD_KEY])) if kept else None
        return BotObserved(
            meta=meta(self.bot), spec=spec, spec_error=error, status=status_of(TradingBotStatus, self.bot),
            raw_status=copy.deepcopy(self.bot.get("status", {})), last_good=last_good,
            models={name: view for name, view in views.items() if view is not None},
            children=copy.deepcopy(self.children), pods=dict(self.pods), reports=dict(self.reports),  # type: ignore[arg-type] # arms are strings here
            defaults=DEFAULTS, watching_since=self.watching_since,
        )  # fmt: skip

    @property
    def status(self) -> TradingBotStatus:
        return status_of(TradingBotStatus, self.bot)

    def digest_of(self, arm: str) -> str | None:
        workload = self.children.get(("StatefulSet", f"btc-{arm}"))
        return workload and workload["spec"]["template"]["metadata"]["annotations"][ANNOTATION_DIGEST]

    def step(self, stop_after: int | None = None) -> int:
        """One pass of the operator, killed after so many actions; returns how many actions were planned."""
        spec = copy.deepcopy(self.bot["spec"])
        actions = plan(self.observe(), self.now).actions
        if stop_after is not None:
            self.watching_since = self.now  # the next pass is another process's
        for action in actions[:stop_after]:
            before = self.status
            self.execute(action)
            self.check(before, action)
        assert self.bot["spec"] == spec, "the operator must never write spec"
        return len(actions)

    def converge(self) -> None:
        for _ in range(LONGEST_ROAD):
            if self.step() == 0:
                return
        raise AssertionError(f"does not converge: {plan(self.observe(), self.now).actions}")

    def execute(self, action: Action) -> None:
        match action:
            case PatchStatus():
                assert action.before == self.bot.get("status", {}), "status was changed by nobody else"
                merged = merged_with(self.bot.get("status", {}), merge_patch(action.before, action.after))
                assert merged == action.after
                self.bot["status"] = json.loads(json.dumps(merged))
            case PatchMetadata():
                self.bot["metadata"]["finalizers"] = list(action.finalizers)
                for name in action.drop_annotations:
                    self.bot["metadata"].get("annotations", {}).pop(name, None)
            case Apply():
                live = json.loads(json.dumps(action.manifest))
                key = (action.ref.kind, action.ref.name)
                old = self.children.get(key)
                live["metadata"]["uid"] = old["metadata"]["uid"] if old else f"child-{self.uid()}"
                self.children[key] = live
            case Delete():
                key = (action.ref.kind, action.ref.name)
                assert self.children[key]["metadata"]["uid"] == action.uid
                del self.children[key]
            case Emit():
                self.events.append(action)

    # What must hold after every single action

    def check(self, before: TradingBotStatus, action: Action) -> None:
        status = self.status
        if isinstance(action, Apply) and action.ref.kind == "StatefulSet":
            digest = self.digest_of(action.ref.name.removeprefix("btc-"))
            assert digest in self.ever_verified, f"an unverified digest {digest} in a StatefulSet"
        assert len(status.history or []) <= 10
        mandates = status.mandates or {}
        live = [arm for arm, mandate in mandates.items() if mandate.mode != "paper"]
        assert live in ([], ["stable"]), f"live arms: {live}"
        for arm, mandate in mandates.items():
            old = (before.mandates or {}).get(arm)
            if old is not None and old != mandate:
                assert mandate.sequence > old.sequence, "a changed mandate has a larger number"
        new = (status.history or [])[-1:]
        if new and new != (before.history or [])[-1:] and new[0].outcome != "Promoted":
            assert status.stable == before.stable, "stable is not touched by what becomes of a candidate"
        if status.stable != before.stable and before.stable is not None:
            assert new[0].outcome == "Promoted"
            assert status.stable == before.candidate


def merged_with(target: Json, patch: Json) -> Json:
    """RFC 7386, written down independently of the operator's own."""
    result = dict(target)
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        elif isinstance(value, dict):
            result[key] = merged_with(result.get(key) if isinstance(result.get(key), dict) else {}, value)  # type: ignore[arg-type] # checked in the same line
        else:
            result[key] = value
    return result

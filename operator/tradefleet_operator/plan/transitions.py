"""Events at transitions: what a person should read in `kubectl describe`, derived from status before and after.

An Event is planned only where status changes, so a transition that was persisted is never told twice.
"""

from collections.abc import Iterator
from typing import Final, Literal

from tradefleet_api.conditions import Condition, ConditionType
from tradefleet_api.modelversion import ModelVersionStatus
from tradefleet_api.tradingbot import TradingBotStatus
from tradefleet_operator.actions import Emit, Ref
from tradefleet_operator.plan.conditions import find

_BAD_WHEN_TRUE: Final[tuple[ConditionType, ...]] = ("InvalidSpec", "Stalled")


def bot_events(ref: Ref, before: TradingBotStatus, after: TradingBotStatus) -> Iterator[Emit]:
    """Events of a TradingBot."""
    known = before.history or []
    for entry in after.history or []:
        if entry not in known:
            kind: Literal["Normal", "Warning"] = "Normal" if entry.outcome in {"Promoted", "Replaced"} else "Warning"
            yield Emit(ref, kind, entry.outcome, f"{entry.model}: {entry.reason}")
    if before.stable is None and after.stable is not None:
        yield Emit(ref, "Normal", "ModelSelected", f"{after.stable.name} with digest {after.stable.digest}")
    if after.candidate is not None and after.step is not None and _step(before) != _step(after):
        yield Emit(ref, "Normal", f"Rollout{after.step.name}", f"{after.candidate.name}: {after.message}")
    yield from _warnings(ref, before.conditions, after.conditions)
    if after.step is None or after.step.name != "Promote":  # stable restarts on purpose then
        yield from _readiness(ref, before.conditions, after.conditions)


def model_events(ref: Ref, before: ModelVersionStatus, after: ModelVersionStatus) -> Iterator[Emit]:
    """Events of a ModelVersion: each new verdict, and each new reason that holds it up."""
    old, new = find(before.conditions, "Verified"), find(after.conditions, "Verified")
    if new is not None and (old is None or old.reason != new.reason):
        good = new.reason in {"Verifying", "Verified"}
        reason = "Rejected" if after.phase == "Rejected" else new.reason
        yield Emit(ref, "Normal" if good else "Warning", reason, new.message)


def _step(status: TradingBotStatus) -> tuple[str, str] | None:
    if status.step is None or status.candidate is None:
        return None
    return status.step.name, status.candidate.digest


def _warnings(ref: Ref, before: list[Condition] | None, after: list[Condition] | None) -> Iterator[Emit]:
    told: set[str] = set()
    for kind in _BAD_WHEN_TRUE:
        old, new = find(before, kind), find(after, kind)
        if new is None or (old is not None and (old.reason, old.message) == (new.reason, new.message)):
            continue
        if new.message not in told and new.reason != "RolledBack":  # history has told that already
            yield Emit(ref, "Warning", new.reason if kind == "Stalled" else kind, new.message)
        told.add(new.message)
    if find(before, "InvalidSpec") is not None and find(after, "InvalidSpec") is None:
        yield Emit(ref, "Normal", "SpecAccepted", "the spec is valid again and takes effect")


def _readiness(ref: Ref, before: list[Condition] | None, after: list[Condition] | None) -> Iterator[Emit]:
    old, new = find(before, "Ready"), find(after, "Ready")
    if new is None or (old is not None and old.status == new.status):
        return
    if new.status == "True":
        yield Emit(ref, "Normal", "Ready", new.message)
    elif old is not None and old.status == "True":
        yield Emit(ref, "Warning", "NotReady", new.message)

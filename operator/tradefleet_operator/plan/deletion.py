"""A TradingBot that is being deleted: the bot flattens itself, the operator waits for it, but not for ever."""

from dataclasses import replace
from typing import Final

from tradefleet_api.names import FINALIZER, Arm
from tradefleet_operator.actions import Action, Emit, PatchMetadata, PatchStatus, Plan, Ref
from tradefleet_operator.names import ANNOTATION_RETRY, ANNOTATION_SKIP_FLATTEN
from tradefleet_operator.observed import BotObserved

DEADLINE: Final = 60.0
"""Seconds from the deletion after which the bot is removed, flat or not."""
_NOTICED: Final = 3.0
"""A bot that says flat this long after the deletion has noticed it, or never will."""
_LOOK: Final = 1.0


def deletion(observed: BotObserved, now: float) -> Plan:
    """Nothing is made any more, as a terminating namespace would refuse it; owner references do the rest."""
    meta = observed.meta
    if FINALIZER not in meta.finalizers or meta.deletion is None:
        return Plan(())
    ref = Ref("TradingBot", meta.namespace, meta.name)
    release = PatchMetadata(ref, tuple(name for name in meta.finalizers if name != FINALIZER))
    waived = meta.annotations.get(ANNOTATION_SKIP_FLATTEN) == "true"
    if waived or (observed.spec is not None and observed.spec.deletion_policy == "Orphan"):
        return Plan((Emit(ref, "Normal", "PositionsLeft", "deleted without flattening, as asked"), release))
    open_arms = tuple(_not_flat(observed, meta.deletion))
    if not open_arms:
        said = (Emit(ref, "Normal", "Flattened", "flat, and deleted"),) if _live(observed) else ()
        return Plan((*said, release))
    left = meta.deletion + DEADLINE - now
    if left <= 0:
        text = f"deleted after {DEADLINE:.0f} s although not flat: " + "; ".join(open_arms)
        return Plan((Emit(ref, "Warning", "FlattenIncomplete", text), release))
    says = observed.raw_status | {"phase": "Progressing", "message": f"deleting once flat: {'; '.join(open_arms)}"}
    told = (PatchStatus(ref, observed.raw_status, says),) if says != observed.raw_status else ()
    return Plan(told, requeue_after=min(_LOOK, left))


def _not_flat(observed: BotObserved, deleted: float) -> list[str]:
    """One sentence for each live arm that has not said, after the deletion, that it is flat."""
    found = []
    for arm in _live(observed):
        report = observed.reports.get(arm)
        if report is None or report.status is None:
            if ("StatefulSet", f"{observed.meta.name}-{arm}") in observed.children:
                found.append(f"{arm} does not answer" + (f" ({report.error})" if report and report.error else ""))
        elif not (report.status.flat and report.at >= deleted + _NOTICED):
            held = ", ".join(f"{position.symbol} {position.quantity}" for position in report.status.positions)
            found.append(f"{arm} holds {held or 'nothing'}, {report.status.open_orders} open orders")
    return found


def _live(observed: BotObserved) -> list[Arm]:
    return [arm for arm, mandate in (observed.status.mandates or {}).items() if mandate.mode != "paper"]


def with_finalizer(observed: BotObserved, plan: Plan) -> Plan:
    """The plan, preceded by the metadata that a living bot needs: the finalizer set, a spent retry annotation gone."""
    meta = observed.meta
    spent = (ANNOTATION_RETRY,) if ANNOTATION_RETRY in meta.annotations and observed.status.failed is None else ()
    if FINALIZER in meta.finalizers and not spent:
        return plan
    finalizers = meta.finalizers if FINALIZER in meta.finalizers else (*meta.finalizers, FINALIZER)
    action: Action = PatchMetadata(Ref("TradingBot", meta.namespace, meta.name), finalizers, spent)
    return replace(plan, actions=(action, *plan.actions))

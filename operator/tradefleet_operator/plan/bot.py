"""The plan for one TradingBot: decide, persist the decision in status, then bring the children to it."""

from typing import Final

from tradefleet_operator.actions import Action, PatchStatus, Plan, Ref
from tradefleet_operator.observed import BotObserved
from tradefleet_operator.plan.children import Children, reconcile, wanted
from tradefleet_operator.plan.conditions import find
from tradefleet_operator.plan.deletion import deletion, with_finalizer
from tradefleet_operator.plan.rollout import RolloutState, advance
from tradefleet_operator.plan.status import Situation, status
from tradefleet_operator.plan.transitions import bot_events
from tradefleet_operator.plan.validity import effective_spec

AWAITED: Final = 1.0
"""Seconds until the next look while a change is awaited."""


def plan(observed: BotObserved, now: float) -> Plan:
    """Actions for this bot; none where all is as it should be.

    The decision is written to status before anything is made from it: an operator that dies in between leaves a
    decision that the next one carries out, never a child that nobody decided on.
    """
    if observed.meta.deletion is not None:
        return deletion(observed, now)
    before = RolloutState.of(observed.status)
    spec, invalid = effective_spec(observed)
    state = before if spec is None else advance(before, observed, spec, now)
    children = Children() if spec is None else reconcile(observed, wanted(observed, state, spec))
    situation = Situation.of(observed, state, spec, invalid=invalid, refused=children.refused, now=now)
    after = status(observed, situation, now)
    actions: list[Action] = []
    ref = Ref("TradingBot", observed.meta.namespace, observed.meta.name)
    wire = after.to_wire()
    if wire != observed.raw_status:
        actions.append(PatchStatus(ref, observed.raw_status, wire))
        actions.extend(bot_events(ref, observed.status, after))
    actions.extend(children.actions)
    return with_finalizer(observed, Plan(tuple(actions), _look_again(observed, situation)))


def awaits(observed: BotObserved) -> bool:
    """Whether somebody waits for what the bots report, so that they are asked at once."""
    ready = find(observed.status.conditions, "Ready")
    rolling = observed.meta.deletion is not None or observed.status.candidate is not None
    return rolling or ready is None or ready.status != "True"


def _look_again(observed: BotObserved, situation: Situation) -> float | None:
    """Seconds: soon while a change is awaited, else as often as bots are asked; never where nothing runs."""
    if situation.state.candidate is not None:
        return AWAITED
    if situation.refused:
        return observed.defaults.status_interval
    if situation.stable is None:
        return None
    return observed.defaults.status_interval if situation.stable.ok else AWAITED

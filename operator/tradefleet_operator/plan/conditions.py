"""Conditions by kstatus: what they are now, with the time of the last change carried over."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from tradefleet_api.conditions import Condition, ConditionType
from tradefleet_operator.times import stamp


@dataclass(frozen=True)
class Fact:
    """One condition without its times."""

    type: ConditionType
    status: Literal["True", "False", "Unknown"]
    reason: str
    message: str = ""


def conditions(old: Sequence[Condition] | None, facts: Iterable[Fact], generation: int, now: float) -> list[Condition]:
    """The facts as conditions; `lastTransitionTime` moves only when the status does."""
    before = {condition.type: condition for condition in old or ()}
    found = []
    for fact in facts:
        known = before.get(fact.type)
        same = known is not None and known.status == fact.status
        found.append(
            Condition(
                type=fact.type,
                status=fact.status,
                reason=fact.reason,
                message=fact.message,
                last_transition_time=known.last_transition_time if same and known is not None else stamp(now),
                observed_generation=generation,
            )
        )
    return found


def find(items: Sequence[Condition] | None, kind: ConditionType) -> Condition | None:
    """The condition of this type; None where it is absent."""
    return next((condition for condition in items or () if condition.type == kind), None)

"""Conditions by kstatus: Ready always written; Reconciling and Stalled abnormal-true; each with a reason."""

from typing import Annotated, Literal

from pydantic import Field

from tradefleet_api.base import Contract

ConditionType = Literal["Ready", "Reconciling", "Stalled", "ModelVerified", "Verified", "InvalidSpec", "Progressing"]


class Condition(Contract):
    """A metav1.Condition."""

    type: str
    """What it is about."""
    status: Literal["True", "False", "Unknown"]
    """Whether it is so."""
    reason: str
    """Why, in one word for programs."""
    message: str = ""
    """Why, in one sentence for people."""
    last_transition_time: str
    """When `status` last changed, RFC 3339 UTC."""
    observed_generation: int | None = None
    """The spec's generation that it is about."""


Conditions = Annotated[
    list[Condition],
    Field(max_length=16, json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["type"]}),
]
"""One a type."""

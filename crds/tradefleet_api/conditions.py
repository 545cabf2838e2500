"""Conditions by kstatus: Ready always written; Reconciling and Stalled abnormal-true; each with a reason."""

from typing import Literal

from tradefleet_api.base import Contract

ConditionType = Literal["Ready", "Reconciling", "Stalled", "ModelVerified", "Verified", "InvalidSpec", "Progressing"]


class Condition(Contract):
    """A metav1.Condition."""

    type: str
    status: Literal["True", "False", "Unknown"]
    reason: str
    message: str = ""
    last_transition_time: str
    observed_generation: int | None = None

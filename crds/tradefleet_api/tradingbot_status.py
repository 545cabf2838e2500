"""Status of a TradingBot: everything that the operator decided, each with its reason."""

from typing import Annotated, Literal

from pydantic import Field

from tradefleet_api.base import Contract
from tradefleet_api.conditions import Conditions
from tradefleet_api.mandate import Mandate
from tradefleet_api.names import Arm
from tradefleet_api.scalars import Mode

Phase = Literal["Pending", "Healthy", "Progressing", "Paused", "Degraded"]


class ModelState(Contract):
    """One model as the bot runs it."""

    name: str
    """The ModelVersion's."""
    digest: str
    """SHA-256 of its bundle, verified."""


class StepState(Contract):
    """Where a rollout stands; times are RFC 3339 UTC."""

    name: Literal["Verify", "Shadow", "Promote", "RolledBack"]
    """The step."""
    started_at: str
    """When the step began."""
    ready_at: str | None = None
    """Since when the candidate has been Ready and reporting the expected digest; None while it is not."""
    healthy_seconds: float | None = None
    """Healthy time gathered before `ready_at`, so that a restart of weeks of soaking costs only its own time."""
    unhealthy_since: str | None = None
    """When the candidate stopped being healthy; the progress deadline counts from here (or from `started_at`)."""
    message: str = ""
    """What it waits for, or why it ended."""


class HistoryEntry(Contract):
    """One finished rollout; status keeps the last ten."""

    time: str
    """RFC 3339 UTC."""
    model: str
    """The ModelVersion's name."""
    outcome: Literal["Promoted", "RolledBack", "Replaced", "Rejected"]
    """How it ended."""
    reason: str
    """Why."""


class ObservedBot(Contract):
    """What the stable arm last reported, for `kubectl get tb`; rounded, at most every ten seconds."""

    equity: str | None = None
    """In the quote currency."""
    position: str | None = None
    """Each open position, signed."""
    last_decision: str | None = None
    """The last decision and its reason."""
    reported_at: str | None = None
    """RFC 3339 UTC."""


class TradingBotStatus(Contract):
    """`status` of a TradingBot: everything that the operator decided, each with its reason."""

    observed_generation: int | None = None
    """The spec's generation that this status is about."""
    phase: Phase | None = None
    """The state in one word."""
    message: str | None = None
    """The state in one sentence."""
    mode: Mode | None = None
    """Effective mode of the stable arm."""
    stable: ModelState | None = None
    """The model that trades."""
    candidate: ModelState | None = None
    """The model on its way."""
    step: StepState | None = None
    """Where the candidate stands."""
    failed: ModelState | None = None
    """A candidate that was rolled back; the same digest is not tried again while the spec still names it."""
    mandates: Annotated[dict[Arm, Mandate], Field(max_length=3)] | None = None
    """Orders to each arm, obeyed by its bot."""
    bot: ObservedBot | None = None
    """What the stable arm last reported."""
    history: Annotated[list[HistoryEntry], Field(max_length=10)] | None = None
    """Finished rollouts, newest last."""
    conditions: Conditions | None = None
    """By kstatus: Ready always, Reconciling and Stalled when they are so, then the domain's own."""

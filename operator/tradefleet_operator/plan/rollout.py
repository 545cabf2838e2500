"""The state machine of a model change: Verify → Shadow → Promote, or back with a reason; pure.

Its whole memory is in the TradingBot's status, so an operator that starts anew goes on where the last one was. Each
call makes at most one transition; children are made from the state that was persisted.
"""

from dataclasses import dataclass, replace
from typing import Final, Literal

from tradefleet_api.duration import seconds
from tradefleet_api.tradingbot import HistoryEntry, ModelState, StepState, TradingBotSpec, TradingBotStatus
from tradefleet_operator.names import ANNOTATION_RETRY
from tradefleet_operator.observed import BotObserved
from tradefleet_operator.plan.health import Health, health
from tradefleet_operator.times import parse, since, stamp

HISTORY: Final = 10
Outcome = Literal["Promoted", "RolledBack", "Replaced", "Rejected"]


@dataclass(frozen=True)
class RolloutState:
    """The part of status that decides what runs."""

    stable: ModelState | None = None
    candidate: ModelState | None = None
    step: StepState | None = None
    failed: ModelState | None = None
    history: tuple[HistoryEntry, ...] = ()

    @classmethod
    def of(cls, status: TradingBotStatus) -> "RolloutState":
        """As status has it."""
        return cls(status.stable, status.candidate, status.step, status.failed, tuple(status.history or ()))

    @property
    def trading(self) -> ModelState | None:
        """What the stable arm runs: at the last step already the candidate, which is confirmed by the bot's report."""
        promoting = self.candidate is not None and self.step is not None and self.step.name == "Promote"
        return self.candidate if promoting else self.stable

    @property
    def shadowing(self) -> ModelState | None:
        """What the shadow arm runs; None where there is no shadow arm."""
        return self.candidate if self.step is not None and self.step.name == "Shadow" else None

    def ended(self, outcome: Outcome, reason: str, model: ModelState, now: float) -> "RolloutState":
        """The candidate is gone; the history says why."""
        entry = HistoryEntry(time=stamp(now), model=model.name, outcome=outcome, reason=reason)
        return replace(self, candidate=None, step=None, history=(*self.history, entry)[-HISTORY:])

    def failure(self, outcome: Outcome, reason: str, model: ModelState, now: float) -> "RolloutState":
        """The candidate is given up and not tried again while the spec names it; stable stays as it is."""
        step = StepState(name="RolledBack", started_at=stamp(now), message=reason)
        return replace(self.ended(outcome, reason, model, now), failed=model, step=step)


def advance(state: RolloutState, observed: BotObserved, spec: TradingBotSpec, now: float) -> RolloutState:
    """The next state; the same state where there is nothing to decide."""
    wanted = spec.model.name
    target = observed.models.get(wanted)
    if state.stable is not None and wanted == state.stable.name and target is None:
        return _settled(state, now)
    if target is None or target.deleting:
        return _without_target(state, wanted, now)
    model = ModelState(name=wanted, digest=target.sha256)
    if model == state.stable:
        return _settled(state, now)
    if state.failed is not None and (state.failed != model or ANNOTATION_RETRY in observed.meta.annotations):
        state = replace(state, failed=None, step=None)
    if state.failed == model:
        return state
    if target.rejected:
        return state.failure("Rejected", target.message, model, now)
    if state.stable is None and target.verified:
        return replace(state, stable=model, candidate=None, step=None)
    if state.candidate != model or state.step is None:
        if state.candidate is not None and state.candidate != model:
            state = state.ended("Replaced", f"replaced by {wanted}", state.candidate, now)
        return replace(state, candidate=model, step=StepState(name="Verify", started_at=stamp(now)))
    if state.step.name == "Verify" or not target.verified:
        return _verify(state, state.step, model, observed, spec=spec, now=now)
    return _prove(state, state.step, model, observed, spec=spec, now=now)


def _settled(state: RolloutState, now: float) -> RolloutState:
    """The spec names what is stable: a rollout under way is cancelled, a failed one forgotten."""
    if state.candidate is not None:
        state = state.ended("Replaced", "the spec names the stable model again", state.candidate, now)
    return replace(state, failed=None, step=None)


def _without_target(state: RolloutState, wanted: str, now: float) -> RolloutState:
    if state.failed is not None and state.failed.name != wanted:
        state = replace(state, failed=None, step=None)
    if state.candidate is None:
        return state
    if state.candidate.name == wanted:
        return state.ended("RolledBack", f"ModelVersion {wanted} was deleted", state.candidate, now)
    return state.ended("Replaced", f"replaced by {wanted}", state.candidate, now)


def _verify(
    state: RolloutState, step: StepState, model: ModelState, observed: BotObserved, *, spec: TradingBotSpec, now: float
) -> RolloutState:
    """Wait for the verdict on the bundle; a bot's first model may take its time, for nothing waits behind it."""
    target = observed.models[model.name]
    if target.verified:
        return replace(state, step=StepState(name="Shadow", started_at=stamp(now)))
    deadline = seconds(spec.rollout.progress_deadline)
    if state.stable is None or (step.name == "Verify" and _waited(step, observed, now) <= deadline):
        return state
    why = target.message or "still verifying"
    return state.failure("RolledBack", f"{model.name} is not verified within {deadline:.0f} s: {why}", model, now)


def _prove(
    state: RolloutState, step: StepState, model: ModelState, observed: BotObserved, *, spec: TradingBotSpec, now: float
) -> RolloutState:
    """Shadow, then Promote: the candidate must run, Ready, with the digest it should have, and stay so."""
    deadline = seconds(spec.rollout.progress_deadline)
    shadow = step.name == "Shadow"
    found = health(observed, "shadow" if shadow else "stable", model, now)
    if found.fatal:
        return state.failure("RolledBack", found.message, model, now)
    counted = _account(step, found, observed, now) if shadow else step
    if not found.ok and _waited(counted, observed, now) > deadline:
        reason = f"{step.name}: not healthy within {deadline:.0f} s: {found.message}"
        return state.failure("RolledBack", reason, model, now)
    if shadow and found.ok and healthy_seconds(counted, now) >= seconds(spec.rollout.shadow.duration):
        return replace(state, step=StepState(name="Promote", started_at=stamp(now)))
    if not shadow and found.ok:
        before = state.stable.name if state.stable is not None else "nothing"
        ended = state.ended("Promoted", f"{model.name} follows {before}", model, now)
        return replace(ended, stable=model, failed=None)
    return replace(state, step=counted)


def _waited(step: StepState, observed: BotObserved, now: float) -> float:
    """Seconds for which an operator has waited for the candidate."""
    waited = since(step.unhealthy_since or step.started_at, now)
    return min(waited, max(0.0, now - observed.watching_since))


def healthy_seconds(step: StepState, now: float) -> float:
    """Seconds that the candidate has been healthy in this step, interruptions left out."""
    return (step.healthy_seconds or 0.0) + since(step.ready_at, now)


def _account(step: StepState, found: Health, observed: BotObserved, now: float) -> StepState:
    """The step with its healthy time brought up to date at a change of health; unwitnessed time never counts."""
    ready_at = parse(step.ready_at)
    if found.since is not None:
        if ready_at is None:
            return step.model_copy(update={"ready_at": stamp(now), "unhealthy_since": None})
        if ready_at < found.since:  # it restarted while nobody looked: what was before cannot be told apart
            return step.model_copy(update={"ready_at": stamp(found.since)})
        return step
    if ready_at is None:
        return step
    report = observed.reports.get("shadow")
    witnessed = max(0.0, min(now, report.at) - ready_at) if report is not None else 0.0
    gathered = round((step.healthy_seconds or 0.0) + witnessed, 3)
    return step.model_copy(
        update={"ready_at": None, "unhealthy_since": stamp(now), "healthy_seconds": gathered or None}
    )

"""The status of a TradingBot as it should be: phase, one sentence, conditions, mandates, what the bot reports."""

from collections.abc import Iterator
from dataclasses import dataclass

from tradefleet_api.names import ANNOTATION_HALT
from tradefleet_api.tradingbot import ObservedBot, Phase, TradingBotSpec, TradingBotStatus
from tradefleet_operator.observed import BotObserved
from tradefleet_operator.plan.conditions import Fact, conditions
from tradefleet_operator.plan.health import Health, health
from tradefleet_operator.plan.mandates import mandates
from tradefleet_operator.plan.rollout import RolloutState
from tradefleet_operator.times import since, stamp


@dataclass(frozen=True)
class Situation:
    """What the status speaks about, computed once."""

    state: RolloutState
    spec: TradingBotSpec | None
    """The effective one."""
    invalid: str | None
    refused: tuple[str, ...]
    stable: Health | None
    shadow: Health | None

    @classmethod
    def of(
        cls,
        observed: BotObserved,
        state: RolloutState,
        spec: TradingBotSpec | None,
        *,
        invalid: str | None,
        refused: tuple[str, ...],
        now: float,
    ) -> "Situation":
        """Judge the arms that should run."""
        trading, shadowing = state.trading, state.shadowing
        return cls(
            state, spec, invalid, refused,
            health(observed, "stable", trading, now) if trading is not None else None,
            health(observed, "shadow", shadowing, now) if shadowing is not None else None,
        )  # fmt: skip


def status(observed: BotObserved, situation: Situation, now: float) -> TradingBotStatus:
    """The whole status; equal to the old one where nothing changed."""
    old, state, spec = observed.status, situation.state, situation.spec
    facts = tuple(_facts(observed, situation))
    stalled = next((fact for fact in facts if fact.type == "Stalled"), None)
    phase, message = _phase(observed, situation, stalled)
    return TradingBotStatus(
        observed_generation=observed.meta.generation,
        phase=phase,
        message=message,
        mode=spec.mode if spec is not None and state.trading is not None else None,
        stable=state.stable,
        candidate=state.candidate,
        step=state.step,
        failed=state.failed,
        mandates=(mandates(old.mandates, state, spec) or None) if spec is not None else old.mandates,
        bot=_bot(observed, now),
        history=list(state.history) or None,
        conditions=conditions(old.conditions, facts, observed.meta.generation, now),
    )


def _phase(observed: BotObserved, situation: Situation, stalled: Fact | None) -> tuple[Phase, str]:
    state, stable, spec = situation.state, situation.stable, situation.spec
    running = "" if state.stable is None else f"; {state.stable.name} keeps running"
    if stalled is not None:
        waits = stalled.reason == "ModelVersionNotFound" and state.stable is None
        return ("Pending" if waits else "Degraded"), f"{stalled.message}{running}"
    if state.candidate is not None and state.step is not None:
        name = state.candidate.name
        if state.stable is None:
            return "Pending", f"verifying {name}"
        doing = {"Verify": "verifying", "Shadow": "shadowing with", "Promote": "promoting"}.get(state.step.name, "")
        return "Progressing", f"{doing} {name}; {state.stable.name} is stable"
    if stable is None:
        return "Pending", "no model yet"
    if not stable.ok:
        return ("Degraded" if stable.fatal else "Progressing"), stable.message
    if (halt := observed.meta.annotations.get(ANNOTATION_HALT)) is not None:
        return "Paused", f"halted by annotation: {halt}"
    if spec is not None and (spec.trading_state or ("Running" if spec.mode == "paper" else "Paused")) != "Running":
        return "Paused", f"tradingState is {spec.trading_state or 'unset, which means Paused unless on paper'}"
    return "Healthy", stable.message


def _facts(observed: BotObserved, situation: Situation) -> Iterator[Fact]:
    state, stable = situation.state, situation.stable
    if stable is None:
        yield Fact("Ready", "False", "NoModel", "no model runs yet")
    else:
        yield Fact("Ready", "True" if stable.ok else "False", stable.reason, stable.message)
    stalled = _stalled(observed, situation)
    if stalled is not None:
        yield stalled
    elif (reconciling := _reconciling(situation)) is not None:
        yield reconciling
    yield from _model_verified(observed, situation)
    if situation.invalid is not None:
        yield Fact("InvalidSpec", "True", "NotRunnable", situation.invalid)
    if state.failed is not None and state.step is not None:
        yield Fact("Progressing", "False", "RolledBack", f"{state.failed.name}: {state.step.message}")
    elif state.candidate is not None and state.step is not None:
        message = situation.shadow.message if situation.shadow is not None else state.candidate.name
        yield Fact("Progressing", "True", state.step.name, message)


def _stalled(observed: BotObserved, situation: Situation) -> Fact | None:
    """Why nothing goes on until somebody changes something."""
    state, spec = situation.state, situation.spec
    if situation.invalid is not None:
        return Fact("Stalled", "True", "InvalidSpec", situation.invalid)
    if situation.refused:
        return Fact("Stalled", "True", "NotOwned", "; ".join(situation.refused))
    if state.failed is not None:
        why = state.step.message if state.step is not None else ""
        return Fact("Stalled", "True", "RolledBack", f"{state.failed.name} was rolled back: {why}")
    if spec is not None and spec.model.name not in observed.models:
        return Fact("Stalled", "True", "ModelVersionNotFound", _missing(observed, spec))
    return None


def _reconciling(situation: Situation) -> Fact | None:
    """Short work under way; a candidate that soaks in peace is not (a wait of weeks must not time out)."""
    state, stable, shadow = situation.state, situation.stable, situation.shadow
    if state.step is not None and state.step.name in {"Verify", "Promote"}:
        return Fact("Reconciling", "True", state.step.name)
    if shadow is not None and not shadow.ok:
        return Fact("Reconciling", "True", shadow.reason, shadow.message)
    if stable is not None and not stable.ok and not stable.fatal:
        return Fact("Reconciling", "True", stable.reason, stable.message)
    return None


def _model_verified(observed: BotObserved, situation: Situation) -> Iterator[Fact]:
    spec = situation.spec
    if spec is None:
        return
    name = spec.model.name
    view = observed.models.get(name)
    if view is None:
        yield Fact("ModelVerified", "False", "ModelVersionNotFound", _missing(observed, spec))
    elif view.rejected:
        yield Fact("ModelVerified", "False", "Rejected", f"{name}: {view.message}")
    elif view.verified:
        yield Fact("ModelVerified", "True", "Verified", f"{name} has digest {view.sha256}")
    else:
        yield Fact("ModelVerified", "Unknown", "Verifying", f"{name}: {view.message or 'not verified yet'}")


def _missing(observed: BotObserved, spec: TradingBotSpec) -> str:
    return f"there is no ModelVersion {spec.model.name} in namespace {observed.meta.namespace}"


def _bot(observed: BotObserved, now: float) -> ObservedBot | None:
    """What stable last reported; written at most once in a status interval, and only when it changed."""
    old = observed.status.bot
    report = observed.reports.get("stable")
    if report is None or report.status is None:
        return old
    said = report.status
    decision = said.last_decision
    new = ObservedBot(
        equity=None if said.equity_quote is None else f"{said.equity_quote:.2f}",
        position=", ".join(f"{held.symbol} {held.quantity}" for held in said.positions) or "flat",
        last_decision=None if decision is None else f"{decision.action} {decision.outcome}: {decision.reason}"[:200],
    )
    if old is not None and new.model_copy(update={"reported_at": old.reported_at}) == old:
        return old
    recent = old is not None and old.reported_at is not None
    if recent and old is not None and since(old.reported_at, now) < observed.defaults.status_interval:
        return old
    return new.model_copy(update={"reported_at": stamp(report.at)})

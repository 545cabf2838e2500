"""Whether an arm runs the model that it should: judged by its pod and by what the bot itself reports."""

from dataclasses import dataclass
from typing import Final

from tradefleet_api.names import Arm
from tradefleet_api.tradingbot import ModelState
from tradefleet_operator.observed import BotObserved, PodView, Report

CRASH_LOOP_RESTARTS: Final = 3
"""A candidate that died this often is given up before its deadline."""
_REPORTS_MISSED: Final = 3


@dataclass(frozen=True)
class Health:
    """Healthy since a time (seconds since the epoch), or why not; `fatal`: waiting does not help."""

    since: float | None
    reason: str
    message: str
    fatal: bool = False

    @property
    def ok(self) -> bool:
        """Healthy now."""
        return self.since is not None


def health(observed: BotObserved, arm: Arm, model: ModelState, now: float) -> Health:
    """Health of the arm as a runner of this model."""
    pod = observed.pods.get(arm)
    if pod is None or pod.terminating or pod.digest != model.digest:
        return Health(None, "PodStarting", f"waiting for the {arm} pod with {model.name}")
    if trouble := _trouble(arm, pod):
        return trouble
    report = observed.reports.get(arm)
    if report is not None and report.status is not None and report.status.model_digest != model.digest:
        measured = report.status.model_digest
        message = f"the {arm} pod reports digest {measured}, expected {model.digest}"
        return Health(None, "DigestMismatch", message, fatal=True)
    if pod.ready_since is None:
        return Health(None, "PodNotReady", f"the {arm} pod is not Ready" + (f": {pod.trouble}" if pod.trouble else ""))
    if not _answers(report, now, observed.defaults.status_interval):
        why = report.error if report is not None and report.error else "no answer yet"
        return Health(None, "NoReport", f"the {arm} pod does not report at /status: {why}")
    return Health(pod.ready_since, "Running", f"{model.name} runs and reports its digest")


def _trouble(arm: Arm, pod: PodView) -> Health | None:
    if pod.ready_since is not None or pod.trouble is None:
        return None
    mismatch = "digest mismatch" in pod.trouble
    if mismatch or pod.restarts >= CRASH_LOOP_RESTARTS:
        reason = "DigestMismatch" if mismatch else "CrashLoop"
        return Health(None, reason, f"the {arm} pod does not start: {pod.trouble}", fatal=True)
    return None


def _answers(report: Report | None, now: float, interval: float) -> bool:
    return report is not None and report.status is not None and now - report.at <= _REPORTS_MISSED * interval

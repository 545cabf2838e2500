"""The fleet's state: each TradingBot's status, and what the pods of its arms report."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from tradefleet_api.botstatus import BotStatus
from tradefleet_api.names import BOT_PORT, GROUP, VERSION, Arm, workload
from tradefleet_api.refusal import RefusedError, sentence
from tradefleet_console.fleet.api import Api

_PARALLEL = 16


@dataclass(frozen=True, slots=True)
class Report:
    """What an arm's pod says at `/status`; `status` is None where it says nothing, and `fault` says why."""

    status: BotStatus | None
    fault: str = ""


@dataclass(frozen=True, slots=True)
class BotView:
    """One TradingBot: the fields of its status that people look at first, and its arms' reports."""

    namespace: str
    name: str
    status: dict[str, Any]
    stable: Report
    shadow: Report | None
    """None while no candidate runs."""

    def to_wire(self) -> dict[str, Any]:
        """For programs: `report` is the stable arm's, `shadow` the candidate's; null where there is none."""
        names = {key: (self.status.get(key) or {}).get("name") for key in ("stable", "candidate", "failed", "step")}
        texts = {key: self.status.get(key) for key in ("phase", "message", "mode")}
        return {"namespace": self.namespace, "name": self.name, **texts, **names} | {
            "report": _wire(self.stable),
            "shadow": None if self.shadow is None else _wire(self.shadow),
        }


def observe(api: Api, namespace: str | None, port: int = BOT_PORT) -> list[BotView]:
    """Every TradingBot of a namespace (None: of all), by name.

    A bot that does not answer is part of the picture; raises RefusedError only where the list itself can't be read.
    """
    where = "" if namespace is None else f"/namespaces/{namespace}"
    items = api.get(f"/apis/{GROUP}/{VERSION}{where}/tradingbots")["items"]
    with ThreadPoolExecutor(_PARALLEL) as pool:
        return sorted(
            pool.map(lambda item: _view(api, item, port), items), key=lambda view: (view.namespace, view.name)
        )


def _view(api: Api, item: dict[str, Any], port: int) -> BotView:
    namespace, name, status = item["metadata"]["namespace"], item["metadata"]["name"], item.get("status") or {}
    soaking = (status.get("step") or {}).get("name") == "Shadow"
    shadow = _report(api, namespace, name, "shadow", port) if soaking else None
    return BotView(namespace, name, status, _report(api, namespace, name, "stable", port), shadow)


def _report(api: Api, namespace: str, name: str, arm: Arm, port: int) -> Report:
    pod = f"{workload(name, arm)}-0"
    try:
        return Report(
            BotStatus.model_validate(api.get(f"/api/v1/namespaces/{namespace}/pods/{pod}:{port}/proxy/status"))
        )
    except RefusedError as error:
        # What the API server's proxy says of a pod that has not been given an address.
        return Report(None, str(error).replace("address not allowed", f"pod {pod} has no address yet"))
    except ValidationError as error:
        return Report(None, f"its report is of another version: {sentence(error)}")


def _wire(report: Report) -> dict[str, Any] | None:
    return None if report.status is None else report.status.to_wire()

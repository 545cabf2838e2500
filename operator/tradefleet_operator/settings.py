"""Settings of the operator's process: read once from the environment that the chart sets."""

import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass

from tradefleet_api.names import BOT_PORT
from tradefleet_api.refusal import RefusedError
from tradefleet_operator.observed import Defaults


class SettingsError(RefusedError):
    """The environment does not say what the operator needs."""


@dataclass(frozen=True)
class Settings:
    """What one operator process is started with."""

    defaults: Defaults
    namespaces: tuple[str, ...]
    """Watched namespaces; empty: all."""
    namespace: str
    """Where the operator's own Lease is."""
    identity: str
    """Who this replica is: its pod's name."""
    lease: str = "tradefleet-operator"
    workers: int = 8
    metrics_port: int = 8080
    health_port: int = 8081
    host: str = "0.0.0.0"  # noqa: S104 - the kubelet and Prometheus reach the pod on its own address

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> "Settings":
        """Settings of this process.

        Raises SettingsError, naming the variable that is missing or not understood.
        """
        watched = environment.get("TRADEFLEET_WATCH_NAMESPACES", "")
        return cls(
            defaults=Defaults(
                image=_needed(environment, "TRADEFLEET_BOT_IMAGE"),
                sim_rest=environment.get("TRADEFLEET_SIM_REST") or None,
                sim_stream=environment.get("TRADEFLEET_SIM_STREAM") or None,
                bot_port=_number(environment, "TRADEFLEET_BOT_PORT", BOT_PORT),
            ),
            namespaces=tuple(sorted({name.strip() for name in watched.split(",") if name.strip()})),
            namespace=_needed(environment, "TRADEFLEET_NAMESPACE"),
            identity=environment.get("TRADEFLEET_POD") or f"{socket.gethostname()}-{os.getpid()}",
            lease=environment.get("TRADEFLEET_LEASE") or "tradefleet-operator",
            workers=_number(environment, "TRADEFLEET_WORKERS", 8),
            metrics_port=_number(environment, "TRADEFLEET_METRICS_PORT", 8080),
            health_port=_number(environment, "TRADEFLEET_HEALTH_PORT", 8081),
        )


def _needed(environment: Mapping[str, str], name: str) -> str:
    value = environment.get(name, "").strip()
    if not value:
        raise SettingsError(f"environment variable {name} is not set: the chart sets it")
    return value


def _number(environment: Mapping[str, str], name: str, default: int) -> int:
    text = environment.get(name, "").strip()
    if not text:
        return default
    if not text.isdecimal() or int(text) > 65_535:
        raise SettingsError(f"environment variable {name} is {text!r}: write a whole number up to 65535")
    return int(text)

"""Names that several parts must spell alike: the API group, labels, annotations, arms, ports, exit reasons."""

from typing import Final, Literal

GROUP: Final = "tradefleet.dev"
VERSION: Final = "v1alpha1"
API_VERSION: Final = f"{GROUP}/{VERSION}"

FIELD_MANAGER: Final = "tradefleet-operator"
FINALIZER: Final = f"{GROUP}/flatten"

LABEL_BOT: Final = f"{GROUP}/bot"
LABEL_ARM: Final = f"{GROUP}/arm"
LABEL_MODEL: Final = f"{GROUP}/model"
ANNOTATION_HALT: Final = f"{GROUP}/halt"
"""Kill switch on a TradingBot: Pause, Cancel or Flatten; latched until removed; obeyed by the bot itself."""
ANNOTATION_REARM: Final = f"{GROUP}/rearm"
"""A new, non-empty value on a TradingBot clears the bot's latches (a person has looked)."""

Arm = Literal["stable", "shadow", "canary"]
ARMS: Final[tuple[Arm, ...]] = ("stable", "shadow", "canary")

BOT_PORT: Final = 8080
SIM_PORT: Final = 9010
BUNDLE_MOUNT: Final = "/bundle"
BUNDLE_FILE: Final = "/bundle/bundle.tar"
CONFIG_MOUNT: Final = "/etc/tradefleet"
CONFIG_FILE: Final = "/etc/tradefleet/config.yaml"
DATA_MOUNT: Final = "/var/lib/tradefleet"
CREDENTIALS_MOUNT: Final = "/var/run/secrets/tradefleet/venue"
"""Folder of the venue's credentials: files `apiKey` and `apiSecret` (a mounted Secret; the operator never reads it)."""


def workload(bot: str, arm: Arm) -> str:
    """Name of the StatefulSet, Service, ServiceAccount and Role of one arm; its pod is this name with `-0`.

    >>> workload("btc", "stable")
    'btc-stable'
    """
    return f"{bot}-{arm}"

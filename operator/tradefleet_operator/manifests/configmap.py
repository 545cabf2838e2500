"""ConfigMaps of a bot: the start-up configuration of one arm (named by its hash), and the last spec that was valid."""

import json
from typing import Final

from tradefleet_api.botconfig import BotConfig, BotIdentity, BotModel, BotVenue
from tradefleet_api.names import CREDENTIALS_MOUNT
from tradefleet_api.tradingbot import TradingBotSpec
from tradefleet_operator.actions import Json
from tradefleet_operator.manifests.common import Workload, owner
from tradefleet_operator.names import LABEL_COMPONENT, content_hash, managed_labels

LAST_GOOD_KEY: Final = "spec.json"
_BINANCE: Final = {
    "mainnet": ("https://fapi.binance.com", "wss://fstream.binance.com"),
    "testnet": ("https://demo-fapi.binance.com", "wss://demo-fstream.binance.com"),
}


def bot_config(workload: Workload) -> BotConfig:
    """What the arm's process is started with."""
    arm, spec, defaults = workload.arm, workload.spec, workload.defaults
    sim = spec.venue.type == "sim"
    rest, stream = (defaults.sim_rest, defaults.sim_stream) if sim else _BINANCE[spec.venue.network]
    endpoints = spec.venue.endpoints
    account = None
    if sim and workload.secret is None:
        account = f"{arm.namespace}.{arm.bot}" + ("" if arm.arm == "stable" else f"/{arm.arm}")
    return BotConfig(
        bot=BotIdentity(namespace=arm.namespace, name=arm.bot, arm=arm.arm),
        model=BotModel(name=workload.model.name, sha256=workload.model.digest),
        venue=BotVenue(
            type="sim" if sim else "binance-usdm",
            rest=(endpoints and endpoints.rest) or rest or "",
            stream=(endpoints and endpoints.stream) or stream or "",
            account=account,
            credentials_path=CREDENTIALS_MOUNT if workload.secret is not None else None,
        ),
        symbols=spec.symbols,
        decision_interval=spec.decision_interval,
        http_port=defaults.bot_port,
    )


def config_map(workload: Workload) -> Json:
    """The arm's ConfigMap; immutable, because another content has another name."""
    arm = workload.arm
    text = json.dumps(bot_config(workload).to_wire(), indent=2, sort_keys=True) + "\n"  # JSON is YAML
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": arm.metadata(f"{arm.name}-{content_hash(text)}"),
        "immutable": True,
        "data": {"config.yaml": text},
    }


def last_good_name(bot: str) -> str:
    """Name of the ConfigMap that keeps the last valid spec.

    >>> last_good_name("btc")
    'btc-last-good'
    """
    return f"{bot}-last-good"


def last_good_map(namespace: str, bot: str, bot_uid: str, spec: TradingBotSpec) -> Json:
    """The last valid spec: what runs on while the spec in the TradingBot is not valid."""
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {
            "name": last_good_name(bot),
            "namespace": namespace,
            "labels": managed_labels({LABEL_COMPONENT: "last-good"}),
            "ownerReferences": [owner("TradingBot", bot, bot_uid)],
        },
        "data": {LAST_GOOD_KEY: json.dumps(spec.to_wire(), sort_keys=True)},
    }

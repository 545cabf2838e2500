"""BotConfig: what a bot process is started with; a change needs a new process, so it is named by its content's hash.

The operator renders it into a ConfigMap; `tradefleet bot run --config FILE` reads it. Limits, mode and trading state
are not here: they come live from the bot's own TradingBot, or from `orders` where there is no cluster.
"""

from typing import Annotated, Literal

from pydantic import Field

from tradefleet_api.base import Contract
from tradefleet_api.limits import Execution, Risk
from tradefleet_api.names import BOT_PORT, BUNDLE_FILE, DATA_MOUNT, Arm
from tradefleet_api.scalars import DecisionInterval, Digest, Mode, Symbols, TradingState
from tradefleet_api.venue import RestUrl, StreamUrl


class BotIdentity(Contract):
    """Who this process is; the labels of its metrics."""

    namespace: str = "local"
    name: str
    arm: Arm = "stable"


class BotModel(Contract):
    """The bundle this process loads, and the digest that it must have."""

    name: str
    sha256: Digest
    path: str = BUNDLE_FILE


class BotVenue(Contract):
    """The venue, resolved: full base URLs, never a default left to guess."""

    type: Literal["sim", "binance-usdm"]
    rest: RestUrl
    """Base URL for REST, e.g. `http://sim.ns.svc:9010`."""
    stream: StreamUrl
    """Base URL for WebSockets, e.g. `ws://sim.ns.svc:9010`."""
    account: str | None = None
    """API key where it is no secret (the simulator's accounts are made on first use)."""
    credentials_path: str | None = None
    """Folder with the files `apiKey` and `apiSecret`."""


class StaticOrders(Contract):
    """Orders from above where no cluster gives them; the same fields that a TradingBot's spec has."""

    mode: Mode = "paper"
    trading_state: TradingState = "Running"
    risk: Risk = Field(default_factory=Risk)
    execution: Execution = Field(default_factory=Execution)
    capital_quote: Annotated[float, Field(gt=0, le=1e9)] = 10_000


class BotConfig(Contract):
    """The whole start-up configuration of one bot process."""

    bot: BotIdentity
    model: BotModel
    venue: BotVenue
    symbols: Symbols
    decision_interval: DecisionInterval = "1m"
    data_path: str = DATA_MOUNT
    http_port: Annotated[int, Field(ge=0, le=65535)] = BOT_PORT
    http_host: str = "0.0.0.0"  # noqa: S104 - the kubelet and Prometheus reach the pod on its own address
    orders: StaticOrders | None = None
    """None: read orders from the cluster's API; set: a local run."""

"""Venue: where a bot gets its market data and sends its orders."""

import re
from typing import Annotated, Final, Literal

from pydantic import StringConstraints

from tradefleet_api.base import Contract
from tradefleet_api.rules import Rule
from tradefleet_api.scalars import Url

VenueType = Literal["sim", "binance-usdm", "bybit-linear"]

_REST: Final = r"^https?://[^ /\n]+(/[^ \n]*)?$"
_STREAM: Final = r"^wss?://[^ /\n]+(/[^ \n]*)?$"

RestUrl = Annotated[
    Url,
    Rule(
        f"self.matches(r'{_REST}')",
        "must be a base URL such as https://host or http://host:9010",
        lambda url: re.fullmatch(_REST, url) is not None,
    ),
]
StreamUrl = Annotated[
    Url,
    Rule(
        f"self.matches(r'{_STREAM}')",
        "must be a base URL such as wss://host or ws://host:9010",
        lambda url: re.fullmatch(_STREAM, url) is not None,
    ),
]


class Endpoints(Contract):
    """Where the venue is, when it is not where its type says."""

    rest: RestUrl | None = None
    """Base URL of the REST API, such as `https://fapi.binance.com`."""
    stream: StreamUrl | None = None
    """Base URL of the WebSocket streams, such as `wss://fstream.binance.com`."""


class SecretRef(Contract):
    """A Secret in the bot's namespace with the keys `apiKey` and `apiSecret`. The operator cannot read it."""

    name: Annotated[str, StringConstraints(pattern=r"^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$", max_length=253)]
    """Name of the Secret; the bot's pod mounts it."""


class Venue(Contract):
    """The exchange: the built-in simulator unless told otherwise."""

    type: VenueType = "sim"
    """`sim` is the simulator that the chart installs; it speaks the protocol of `binance-usdm`."""
    network: Literal["mainnet", "testnet"] = "testnet"
    """Which of the exchange's networks; the simulator has only itself."""
    endpoints: Endpoints | None = None
    """Where the venue is, when it is not where `type` and `network` say."""
    credentials_secret_ref: SecretRef | None = None
    """The account's API key; the simulator needs none."""

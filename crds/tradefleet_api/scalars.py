"""Strings and numbers that several resources share, each with its form."""

from typing import Annotated, Final, Literal

from pydantic import AfterValidator, Field, StringConstraints

from tradefleet_api.duration import Duration, between

MAX_NAME: Final = 40
"""Of a TradingBot or ModelVersion: the names of pods, Jobs and revisions made from it must fit 63 characters."""

Ratio = Annotated[float, Field(ge=0, le=1)]
Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$", min_length=1, max_length=MAX_NAME)]
ModelName = Annotated[
    str, StringConstraints(pattern=r"^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$", min_length=1, max_length=MAX_NAME)
]
Symbol = Annotated[str, StringConstraints(pattern=r"^[A-Z0-9]{2,20}$")]


def _unique(symbols: list[str]) -> list[str]:
    """What the API server does to a list of type "set"."""
    if len(set(symbols)) < len(symbols):
        raise ValueError("a symbol appears twice")
    return symbols


Symbols = Annotated[
    list[Symbol],
    Field(min_length=1, max_length=20, json_schema_extra={"x-kubernetes-list-type": "set"}),
    AfterValidator(_unique),
]
Digest = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
DecisionInterval = Annotated[Duration, between("1s", "1h")]
Url = Annotated[str, StringConstraints(max_length=512)]

Mode = Literal["paper", "hybrid", "live"]
TradingState = Literal["Running", "Paused", "ReduceOnly", "Flatten"]

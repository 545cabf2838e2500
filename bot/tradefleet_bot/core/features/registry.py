"""All features by name, and the hash that ties a model to the formulas it was trained on."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final

from tradefleet_bot.core.features import (
    atr,
    book_shape,
    calendar,
    flow,
    funding,
    liquidations,
    momentum,
    open_interest,
    quote_shape,
    returns,
    volatility,
    zscore,
)
from tradefleet_bot.core.features.spec import Feature, FeatureSpec, Pool

_ALL: Final = (
    *returns.SPECS,
    *volatility.SPECS,
    *atr.SPECS,
    *momentum.SPECS,
    *zscore.SPECS,
    *flow.SPECS,
    *quote_shape.SPECS,
    *book_shape.SPECS,
    *open_interest.SPECS,
    *funding.SPECS,
    *liquidations.SPECS,
    *calendar.SPECS,
)

REGISTRY: Final[Mapping[str, FeatureSpec]] = MappingProxyType({spec.name: spec for spec in _ALL})


class UnknownFeatureError(ValueError):
    """A name that is not in the registry; `str()` names it."""


def spec(name: str) -> FeatureSpec:
    """The feature of this name. Raises UnknownFeatureError."""
    found = REGISTRY.get(name)
    if found is None:
        raise UnknownFeatureError(
            f"unknown feature {name!r}: docs/reference/features.md lists the {len(REGISTRY)} known"
        )
    return found


def create(name: str, pool: Pool | None = None) -> Feature:
    """One feature alone, or sharing the sources of `pool`. Raises UnknownFeatureError."""
    return spec(name).factory(pool if pool is not None else Pool())


def schema_hash(names: Iterable[str]) -> str:
    """SHA-256 (hex) of the canonical JSON of [[name, version], ...] in the given order. Raises UnknownFeatureError."""
    content = [[name, spec(name).version] for name in names]
    return hashlib.sha256(json.dumps(content, separators=(",", ":")).encode()).hexdigest()

"""From trained models to the bundle's bytes, and the proof that the bot accepts them."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from tradefleet_api.bundle import (
    BundleLineage,
    Manifest,
    Policy,
    RecurrentMember,
    StatelessMember,
    read_bundle,
    write_bundle,
)
from tradefleet_bot.core import inference
from tradefleet_bot.core.features import schema_hash
from tradefleet_models.market import NS, Market
from tradefleet_models.train.config import TrainConfig
from tradefleet_models.train.data import Data
from tradefleet_models.train.golden import golden
from tradefleet_models.train.sessions import Sessions

OBSERVATION: Final = ("score", "xgboost", "lstm", "position", "unrealized", "holding", "volatility", "spread")
_GOLDEN: Final = "golden.json"
_WITHOUT_INFLUENCE: Final = frozenset({"__init__", "cli", "evaluation", "publish", "zoo"})


@dataclass(frozen=True, slots=True)
class Trained:
    """The graphs by name, the figures about them, and a stretch of unseen market for the golden vector."""

    graphs: Mapping[str, bytes]
    metrics: Mapping[str, float]
    market: Market


def bundle(trained: Trained, gathered: Data, config: TrainConfig) -> bytes:
    """The tar file, loaded once by the bot's own inference before anybody gets it. Raises BundleError."""
    weights = {"xgboost": config.trees.weight, "lstm": config.lstm.weight}
    sessions = Sessions(trained.graphs, config.lstm.hidden)
    files = {f"{name}.onnx": graph for name, graph in trained.graphs.items()}
    files[_GOLDEN] = golden(sessions, trained.market, config.features, weights, config.seed)
    manifest = Manifest(
        name=config.name,
        decision_interval=config.decision_interval,
        features=config.features,
        feature_schema=schema_hash(config.features),
        members=(
            StatelessMember(name="xgboost", file="xgboost.onnx", weight=weights["xgboost"]),
            RecurrentMember(name="lstm", file="lstm.onnx", weight=weights["lstm"], hidden=config.lstm.hidden),
        ),
        quorum=2,
        policy=Policy(file="policy.onnx", observation=OBSERVATION),
        golden=_GOLDEN,
        lineage=BundleLineage(
            seed=config.seed,
            data_digest=gathered.digest,
            trained_through=_trained_through(gathered),
            code_revision=code_revision(),
        ),
        metrics=trained.metrics,
    )
    data = write_bundle(files, manifest)
    inference.load(read_bundle(data, None))
    return data


def code_revision() -> str:
    """SHA-256 over the sources that decide a bundle's bytes: the revision, whatever commit they come from."""
    root = Path(__file__).parents[1]
    digest = hashlib.sha256()
    for path in sorted(path for path in root.rglob("*.py") if path.stem not in _WITHOUT_INFLUENCE):
        digest.update(f"{path.relative_to(root).as_posix()}\0".encode() + path.read_bytes() + b"\0")
    return f"sha256:{digest.hexdigest()}"


def _trained_through(gathered: Data) -> str:
    last = max(int(market.at[-1]) for market in gathered.markets)
    return datetime.fromtimestamp(last // NS, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

"""A whole training, small: the bot accepts what comes out, and the same configuration gives the same bytes."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tradefleet_api.bundle import Bundle, BundleError, read_bundle
from tradefleet_bot.core import inference
from tradefleet_models.train import config, data, parity, pipeline
from tradefleet_models.train.bundling import bundle
from tradefleet_models.train.config import ConfigError, TrainConfig
from tradefleet_models.train.data import Data
from tradefleet_sim.record import record, write

pytestmark = [pytest.mark.train, pytest.mark.timeout(300)]  # seconds, but torch alone takes many to import when busy
TINY = """
name = "tiny"
seed = 3
features = ["volatility_5s", "spread", "flow_imbalance_5s", "book_imbalance_5"]
odd = ["flow_imbalance_5s", "book_imbalance_5"]
[[data]]
kind = "generated"
seed = 5
seconds = 600
signal = 1.0
[target]
horizon = 10
[split]
fit = 0.5
policy = 0.25
folds = 1
embargo = 10
[trees]
rounds = 3
[lstm]
hidden = 4
epochs = 1
[policy]
timesteps = 512
episode = 60
layers = [8]
realized_share = 1.0
costs = { fee_bps = 0.1 }
"""


@pytest.fixture(scope="module")
def recipe(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("train") / "tiny.toml"
    path.write_text(TINY)
    return path


@pytest.fixture(scope="module")
def tiny(recipe: Path) -> TrainConfig:
    return config.read(recipe)


@pytest.fixture(scope="module")
def gathered(tiny: TrainConfig) -> Data:
    return data.gather(tiny, 100)


@pytest.fixture(scope="module")
def trained(tiny: TrainConfig, gathered: Data) -> bytes:
    return bundle(pipeline.fit(gathered, tiny, lambda _: None), gathered, tiny)


def test_another_process_makes_the_same_bytes(recipe: Path, trained: bytes) -> None:
    out = recipe.with_suffix(".tar")
    command = [
        sys.executable,
        "-m",
        "tradefleet_console",
        "models",
        "train",
        "--config",
        str(recipe),
        "--out",
        str(out),
    ]
    done = subprocess.run(
        command, env={**os.environ, "PYTHONHASHSEED": "1"}, capture_output=True, text=True, check=True
    )
    assert out.read_bytes() == trained
    assert done.stdout.split()[0] == read_bundle(trained, None).digest


def test_another_seed_makes_another_model(tiny: TrainConfig, gathered: Data, trained: bytes) -> None:
    other = pipeline.fit(gathered, tiny.model_copy(update={"seed": 4}), lambda _: None)
    files = read_bundle(trained, None).files
    assert all(other.graphs[name] != files[f"{name}.onnx"] for name in ("xgboost", "lstm", "policy"))


def test_the_bundle_says_where_it_comes_from_and_how_good_it_was_on_unseen_data(trained: bytes) -> None:
    manifest = read_bundle(trained, None).manifest
    assert manifest.lineage.seed == 3
    assert manifest.lineage.trained_through == "2024-01-01T00:09:59Z"
    assert len(manifest.lineage.data_digest) == 64
    metrics = manifest.metrics
    assert metrics["training_fee_bps"] == 0.1
    assert (
        metrics["oos_rank_correlation_low"] <= metrics["oos_rank_correlation"] <= metrics["oos_rank_correlation_high"]
    )
    assert metrics["oos_net_bps_per_entry_at_venue_fee"] <= metrics["oos_net_bps_per_entry_at_training_fee"]


def test_the_golden_vector_shows_every_kind_of_mask_and_is_checked_at_load(trained: bytes) -> None:
    read = read_bundle(trained, None)
    steps = json.loads(read.files["golden.json"])["steps"]
    assert {step["position"] > 0 for step in steps} | {step["position"] < 0 for step in steps} == {True, False}
    assert len({tuple(step["mask"]) for step in steps}) >= 2
    inference.load(read)
    steps[4]["logits"][2] += 1e-3
    changed = {**read.files, "golden.json": json.dumps({"steps": steps}).encode()}
    with pytest.raises(BundleError, match="step 4: policy answers"):
        inference.load(Bundle(read.manifest, changed, read.digest))


def test_an_export_that_is_off_is_never_written(
    tiny: TrainConfig, gathered: Data, monkeypatch: pytest.MonkeyPatch
) -> None:
    exact = parity.Sessions.logits
    monkeypatch.setattr(parity.Sessions, "logits", lambda self, seen: exact(self, seen) + np.float32(1e-4))
    with pytest.raises(BundleError, match="the exported policy differs"):
        pipeline.fit(gathered, tiny, lambda _: None)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("seed = 3", "seed = 3\nsped = 4", "sped"),
        ("rounds = 3", "rounds = 21", "trees.rounds"),
        ('"spread", ', "", "features need spread"),
        ("policy = 0.25", "policy = 0.5", "less than 5 %"),
        ('odd = ["flow', 'odd = ["flaw', "odd names"),
        ('kind = "generated"', 'kind = "dreamt"', "data"),
        ("[target]", "[target", "is no TOML"),
    ],
)
def test_a_faulty_configuration_is_refused_by_name(tmp_path: Path, old: str, new: str, message: str) -> None:
    path = tmp_path / "faulty.toml"
    assert old in TINY
    path.write_text(TINY.replace(old, new))
    with pytest.raises(ConfigError, match=message):
        config.read(path)


def test_data_that_lack_a_feature_are_refused(tiny: TrainConfig) -> None:
    wanting = tiny.model_copy(update={"features": ("volatility_5s", "spread", "open_interest_change_300s")})
    short = wanting.model_copy(update={"data": (config.Generated(kind="generated", seed=1, seconds=60),)})
    with pytest.raises(ConfigError, match="in a row with all features"):
        data.gather(short, 50)


def test_a_recording_gives_what_the_generator_gave_when_it_was_recorded(
    tiny: TrainConfig, gathered: Data, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    write(record(5, 600, signal=1.0, start_ms=data.GENERATED_START_MS), tmp_path / "market.raw.gz")
    monkeypatch.setenv(data.DATA_VARIABLE, str(tmp_path))
    source = config.Recorded(kind="recording", file="market.raw.gz")
    found = data.gather(tiny.model_copy(update={"data": (source,)}), 100)
    assert found.digest == gathered.digest
    assert [len(market) for market in found.markets] == [len(market) for market in gathered.markets]
    assert all((a.features == b.features).all() for a, b in zip(found.markets, gathered.markets, strict=True))


def test_a_recording_that_is_not_there_is_named(
    tiny: TrainConfig, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv(data.DATA_VARIABLE, str(tmp_path))
    absent = tiny.model_copy(update={"data": (config.Recorded(kind="recording", file="gone.raw.gz"),)})
    with pytest.raises(ConfigError, match=r"gone\.raw\.gz cannot be read"):
        data.gather(absent, 50)

"""The commands as a pod runs them: without the training's libraries, exit codes kept, one sentence on refusal."""

import hashlib
import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tradefleet_api.modelversion import ModelVersionSpec
from tradefleet_console.cli import main
from tradefleet_sim.record import record, write

ZOO = Path(__file__).parents[2] / "models" / "zoo"
BUNDLE = ZOO / "demo-v1.tar"
DIGEST = json.loads((ZOO / "index.json").read_text())["demo-v1"]
TRAINING_ONLY = ("torch", "xgboost", "stable_baselines3", "sb3_contrib", "gymnasium", "onnx", "sklearn", "scipy")


def test_verify_fetch_and_inspect_need_nothing_of_the_training(tmp_path: Path) -> None:
    """In a fresh interpreter that cannot import the training's libraries, nor the simulator."""
    code = f"""
import sys
for name in {(*TRAINING_ONLY, "tradefleet_sim")!r}:
    sys.modules[name] = None
from tradefleet_console.cli import main
for command in (["verify", {str(BUNDLE)!r}, "--sha256", {DIGEST!r}, "--json"], ["inspect", {str(BUNDLE)!r}],
                ["manifest", {str(BUNDLE)!r}, "--name", "m"], ["train", "--config", "x", "--out", "y"]):
    print(main(["models", *command]))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    report, code_of_verify, *_ = done.stdout.splitlines()
    assert code_of_verify == "0"
    assert json.loads(report)["digest"] == DIGEST
    assert done.stdout.splitlines()[-1] == "1"
    assert done.stderr.startswith("tradefleet: training needs the train extra")


def test_verify_says_what_the_operator_reads(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "verify", str(BUNDLE), "--sha256", DIGEST, "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert set(report) == {"digest", "features", "decisionInterval"}
    assert report["decisionInterval"] == "1s"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["verify", str(BUNDLE), "--sha256", "0" * 64], "bundle digest mismatch: expected 000"),
        (["verify", str(ZOO / "gone.tar")], "No such file"),
        (["verify", str(ZOO / "index.json")], ""),
        (["fetch", "--uri", "ftp://x/y", "--sha256", DIGEST, "--out", "/tmp/never"], ""),
        (["evaluate", "--bundle", str(BUNDLE), "--data", str(ZOO / "gone.raw.gz")], "cannot be read"),
        (["train", "--config", str(ZOO / "gone.toml"), "--out", "/tmp/never"], "gone.toml"),
    ],
)
def test_refusals_are_one_sentence_and_exit_1(
    arguments: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["models", *arguments]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("tradefleet: ")
    assert err.count("\n") == 1
    assert sentence in err


def test_manifest_is_what_the_cluster_takes(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "manifest", str(BUNDLE), "--name", "demo", "--namespace", "ns"]) == 0
    config_map, version = yaml.safe_load_all(capsys.readouterr().out)
    spec = ModelVersionSpec.model_validate(version["spec"])
    assert spec.artifact.sha256 == DIGEST
    assert spec.artifact.uri == f"configmap://{config_map['metadata']['name']}/bundle.tar"
    assert {each["metadata"]["namespace"] for each in (config_map, version)} == {"ns"}
    data = yaml.safe_load(f"!!binary {config_map['binaryData']['bundle.tar']}")
    assert hashlib.sha256(data).hexdigest() == DIGEST


def test_index_is_what_the_repository_holds(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for path in ZOO.glob("*.tar"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    assert main(["models", "index", str(tmp_path)]) == 0
    assert (tmp_path / "index.json").read_bytes() == (ZOO / "index.json").read_bytes()


def test_evaluate_says_how_sure_it_is(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = tmp_path / "market.raw.gz"
    write(record(9, 240), data)
    assert main(["models", "evaluate", "--bundle", str(BUNDLE), "--data", str(data), "--fee-bps", "5"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["afterTraining"] is True
    for name in ("accuracyGain", "rankCorrelation"):
        assert report[name]["low"] <= report[name]["value"] <= report[name]["high"]
    assert report["accuracy"] - report["baseRate"] == pytest.approx(report["accuracyGain"]["value"], abs=2e-5)
    assert sum(report["trading"]["actions"].values()) == report["data"]["decisions"] - 1
    assert list(report["trading"]["netBpsPerEntryAtFeeBps"]) == ["5"]


def test_too_little_data_is_no_evaluation(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = tmp_path / "market.raw.gz"
    write(record(9, 60), data)
    assert main(["models", "evaluate", "--bundle", str(BUNDLE), "--data", str(data)]) == 1
    assert "too few to judge" in capsys.readouterr().err

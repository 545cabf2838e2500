"""The manifests the end-to-end tests apply: the examples, renamed, so that tests stand side by side."""

import hashlib
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
ZOO = ROOT / "models" / "zoo"


def example(file: str) -> dict[str, Any]:
    """One example manifest as data."""
    loaded: dict[str, Any] = yaml.safe_load((ROOT / "examples" / file).read_text())
    return loaded


def bot(name: str, file: str = "paper-btc.yaml", **spec: Any) -> dict[str, Any]:
    """An example bot under another name, with fields of its spec replaced."""
    manifest = example(file)
    manifest["metadata"] = {"name": name}
    manifest["spec"] |= spec
    return manifest


def model(name: str, configmap: str, sha256: str) -> dict[str, Any]:
    """A ModelVersion whose bundle lies in a ConfigMap."""
    return {
        "apiVersion": "tradefleet.dev/v1alpha1",
        "kind": "ModelVersion",
        "metadata": {"name": name},
        "spec": {"artifact": {"uri": f"configmap://{configmap}/bundle.tar", "sha256": sha256}},
    }


def digest(file: Path) -> str:
    """SHA-256 of a file."""
    return hashlib.sha256(file.read_bytes()).hexdigest()


WIRE = "sim-live-btc.yaml"
FLEET = {
    "wire": bot("wire", WIRE),
    "alone": bot("alone", WIRE),
    "cut": bot("cut", WIRE),
    "gone": bot("gone", WIRE),
    "roll": bot("roll", rollout={"shadow": {"duration": "5s"}, "progressDeadline": "2m"}),
}
"""Bots that are started together at first, so that the tests wait for their start and first fill only once."""

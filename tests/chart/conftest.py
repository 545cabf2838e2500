"""The chart rendered by helm itself, as plain objects."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from support.kube import GROUND, ROOT, ground

CHART = ROOT / "helm" / "tradefleet"
IMAGES: dict[str, Any] = {"operator": {"image": "r/operator@sha256:" + "a" * 64}, "bot": {"image": "r/bot:1"}}
Object = dict[str, Any]
Render = Callable[..., list[Object]]


@pytest.fixture(scope="session")
def helm() -> Path:
    return Path(ground(str(GROUND / "binaries"), "helm", timeout=600).strip()) / "helm"


def run_helm(
    helm: Path, values: Object, release: str = "tradefleet", namespace: str = "system"
) -> tuple[int, str, str]:
    done = subprocess.run(
        [helm, "template", release, CHART, "--namespace", namespace, "--include-crds=false", "--values", "-"],
        input=json.dumps(values), capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    return done.returncode, done.stdout, done.stderr


@pytest.fixture(scope="session")
def render(helm: Path) -> Render:
    """render(values, release=…, namespace=…): the objects, with the two images filled in."""

    def rendered(values: Object | None = None, **where: str) -> list[Object]:
        code, out, err = run_helm(helm, merged(IMAGES, values or {}), **where)
        assert code == 0, err
        return [document for document in yaml.safe_load_all(out) if document]

    return rendered


def merged(base: Object, more: Object) -> Object:
    """`more` over `base`, as helm merges values."""
    result = dict(base)
    for key, value in more.items():
        both = isinstance(value, dict) and isinstance(result.get(key), dict)
        result[key] = merged(result[key], value) if both else value
    return result


def of_kind(objects: list[Object], *kinds: str) -> list[Object]:
    return [found for found in objects if found["kind"] in kinds]


def one(objects: list[Object], kind: str, name: str) -> Object:
    (found,) = (o for o in of_kind(objects, kind) if o["metadata"]["name"] == name)
    return found

"""A bundle as Kubernetes objects: a ConfigMap that holds it and the ModelVersion that names its digest."""

import base64
import json
from typing import Any, Final

from tradefleet_api.bundle import Bundle
from tradefleet_api.names import API_VERSION
from tradefleet_api.refusal import RefusedError

LIMIT: Final = 1_048_576
"""Bytes of data that the API server lets a ConfigMap hold; base64 counts."""
_KEY: Final = "bundle.tar"


class TooLargeError(RefusedError):
    """The bundle fits no ConfigMap."""


def objects(bundle: Bundle, data: bytes, name: str, namespace: str | None) -> list[dict[str, Any]]:
    """ConfigMap `model-NAME` and ModelVersion `NAME`; without a namespace, that of whoever applies them.

    Raises TooLargeError where a ConfigMap cannot hold the bundle.
    """
    encoded = base64.b64encode(data).decode()
    if len(encoded) > LIMIT:
        raise TooLargeError(f"the bundle is {len(data)} bytes: more than a ConfigMap holds; publish it by https or pvc")
    place = {"namespace": namespace} if namespace else {}
    config_map = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": f"model-{name}", **place},
        "immutable": True,
        "binaryData": {_KEY: encoded},
    }
    version = {
        "apiVersion": API_VERSION,
        "kind": "ModelVersion",
        "metadata": {"name": name, **place},
        "spec": {"artifact": {"uri": f"configmap://model-{name}/{_KEY}", "sha256": bundle.digest}},
    }
    return [config_map, version]


def yaml(documents: list[dict[str, Any]]) -> str:
    """YAML documents, in block style; strings are quoted as JSON does, which YAML reads the same."""
    return "".join("---\n" + "".join(f"{line}\n" for line in _lines(document)) for document in documents)


def _lines(mapping: dict[str, Any]) -> list[str]:
    lines: list[str] = []
    for key, value in mapping.items():
        if isinstance(value, dict):
            lines += [f"{key}:", *(f"  {line}" for line in _lines(value))] if value else [f"{key}: {{}}"]
        else:
            lines.append(f"{key}: {json.dumps(value)}")
    return lines

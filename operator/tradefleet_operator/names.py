"""Names that only the operator spells: its annotations, its finalizer on models, labels of what it owns."""

import hashlib
import json
from collections.abc import Mapping
from typing import Final

from tradefleet_api.names import FIELD_MANAGER, GROUP

FINALIZER_IN_USE: Final = f"{GROUP}/in-use"
"""On a ModelVersion: holds its deletion back while a bot uses it."""
ANNOTATION_SKIP_FLATTEN: Final = f"{GROUP}/skip-flatten"
"""On a TradingBot, "true": delete at once, positions or not."""
ANNOTATION_RETRY: Final = f"{GROUP}/retry"
"""On a TradingBot, any value: try the candidate that was rolled back once more; removed by the operator."""
ANNOTATION_DIGEST: Final = f"{GROUP}/digest"
"""On a pod: the bundle digest that it was made for."""
LABEL_MANAGED_BY: Final = "app.kubernetes.io/managed-by"
LABEL_COMPONENT: Final = f"{GROUP}/component"
MANAGED_SELECTOR: Final = f"{LABEL_MANAGED_BY}={FIELD_MANAGER}"


def content_hash(content: object) -> str:
    """First ten hex digits of the SHA-256 of canonical JSON.

    >>> content_hash({"b": 1, "a": 2}) == content_hash({"a": 2, "b": 1})
    True
    """
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:10]


def managed_labels(extra: Mapping[str, str]) -> dict[str, str]:
    """Labels of every child: the operator watches nothing else of these kinds."""
    return {LABEL_MANAGED_BY: FIELD_MANAGER, "app.kubernetes.io/name": "tradefleet", **extra}

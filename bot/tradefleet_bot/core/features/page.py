"""Writes docs/reference/features.md from the registry: `python -m tradefleet_bot.core.features.page`."""

import sys
from typing import Final

from tradefleet_bot.core.features.registry import REGISTRY
from tradefleet_bot.core.features.sources.base import SECOND, STALE_AFTER
from tradefleet_bot.core.features.spec import FeatureSpec

_HEAD: Final = """# Features

Generated from the registry by `python -m tradefleet_bot.core.features.page > docs/reference/features.md`; do not edit.

Windows run in event time and begin at a bucket boundary (100 ms for quotes, 250 ms for trades, 1 s for open interest
and liquidations) at or before t - w. A feature is missing, never zero, until its stream has covered its history, and
while the stream is stale or down. A bundle ties itself to these formulas by the hash of names and versions.

| stream | stale after |
|---|---|
"""
_COLUMNS: Final = """
| name | formula | unit | inputs | history | version | source |
|---|---|---|---|---|---|---|
"""


def page() -> str:
    """The page's text."""
    limits = "".join(
        f"| {stream} | {'never: silence is normal' if limit is None else f'{limit // SECOND} s'} |\n"
        for stream, limit in STALE_AFTER.items()
    )
    return _HEAD + limits + _COLUMNS + "".join(_row(spec) for spec in REGISTRY.values())


def _row(spec: FeatureSpec) -> str:
    inputs = ", ".join(sorted(spec.inputs)) or "none"
    history = f"{spec.window / SECOND:g} s" if spec.window else "none"
    formula = spec.formula.replace("|", "\\|")
    return f"| `{spec.name}` | {formula} | {spec.unit} | {inputs} | {history} | {spec.version} | {spec.reference} |\n"


if __name__ == "__main__":
    sys.stdout.write(page())

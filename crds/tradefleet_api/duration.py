"""Durations as Kubernetes users write them: `30s`, `5m`, `1h30m`, `7d`, `500ms`."""

import re
from typing import Annotated, Any, Final

from pydantic import Field, StringConstraints

from tradefleet_api.rules import Rule

PATTERN: Final = r"^([0-9]{1,4}d)?([0-9]{1,6}h)?([0-9]{1,6}m)?([0-9]{1,7}s)?([0-9]{1,9}ms)?$"
"""Bounded so that the sum stays below the 292 years that the API server can hold."""
_PART: Final = re.compile(r"([0-9]+)(ms|[dhms])")
_SECONDS: Final = {"d": 86_400.0, "h": 3_600.0, "m": 60.0, "s": 1.0, "ms": 0.001}

Duration = Annotated[
    str,
    StringConstraints(pattern=PATTERN, min_length=2, max_length=24),
    Field(json_schema_extra={"format": "duration"}),  # makes it a duration in CEL, days included
]


def seconds(text: str) -> float:
    """Seconds of a duration string.

    Raises ValueError, naming the accepted form, for anything else.

    >>> seconds("1h30m")
    5400.0
    >>> seconds("500ms")
    0.5
    """
    if not text or not re.fullmatch(PATTERN, text):
        raise ValueError(f"duration {text!r}: write it as 30s, 5m, 1h30m, 7d or 500ms")
    return sum(int(number) * _SECONDS[unit] for number, unit in _PART.findall(text))


def between(least: str, most: str) -> Any:  # an annotation: typing has no type for it
    """Annotation for a `Duration` field: its range, both ends included."""
    low, high = seconds(least), seconds(most)
    return Rule(
        cel=f"self >= duration('{low:g}s') && self <= duration('{high:.0f}s')",
        message=f"must be between {least} and {most}",
        holds=lambda text: low <= seconds(text) <= high,
    )

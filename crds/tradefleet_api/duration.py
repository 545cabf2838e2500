"""Durations as Kubernetes users write them: `30s`, `5m`, `1h30m`, `500ms`."""

import re
from typing import Annotated, Final

from pydantic import StringConstraints

PATTERN: Final = r"^([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?([0-9]+ms)?$"
Duration = Annotated[str, StringConstraints(pattern=PATTERN, min_length=2, max_length=24)]
_PART: Final = re.compile(r"([0-9]+)(ms|[dhms])")
_SECONDS: Final = {"d": 86_400.0, "h": 3_600.0, "m": 60.0, "s": 1.0, "ms": 0.001}


def seconds(text: str) -> float:
    """Seconds of a duration string.

    Raises ValueError, naming the accepted form, for anything else.

    >>> seconds("1h30m")
    5400.0
    >>> seconds("500ms")
    0.5
    """
    if not text or not re.fullmatch(PATTERN, text):
        raise ValueError(f"duration {text!r}: write it as 30s, 5m, 1h30m or 500ms")
    return sum(int(number) * _SECONDS[unit] for number, unit in _PART.findall(text))

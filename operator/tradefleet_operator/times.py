"""RFC 3339 times of the Kubernetes API as seconds since the epoch, and back; whole seconds, UTC."""

import math
from datetime import UTC, datetime


def parse(text: str | None) -> float | None:
    """Seconds since the epoch; None for no time.

    >>> parse("1970-01-01T00:01:00Z")
    60.0
    """
    return None if text is None else datetime.fromisoformat(text).timestamp()


def stamp(at: float) -> str:
    """The first whole second that is not before `at`: an interval measured from it is never too long.

    >>> stamp(59.2)
    '1970-01-01T00:01:00Z'
    """
    return datetime.fromtimestamp(math.ceil(at), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def since(text: str | None, now: float) -> float:
    """Seconds from then until now; never negative, so that a clock set back only waits longer."""
    then = parse(text)
    return 0.0 if then is None else max(0.0, now - then)

"""Errors of API requests, in the two families that a caller tells apart.

KubeError
├── RetryError      the same request may succeed later: conflict, throttling, server trouble, network
│   └── ConflictError   the object changed, or is not ours: look again first
└── StopError       the request itself is wrong or forbidden: only a change elsewhere helps
"""


class KubeError(Exception):
    """A request to the API failed; `str()` says which and why."""


class RetryError(KubeError):
    """Try again later."""


class ConflictError(RetryError):
    """Observe again, then decide again."""


class StopError(KubeError):
    """Trying again as it is cannot help."""


def family(status: int) -> type[KubeError]:
    """The error for an HTTP status.

    >>> family(409).__name__, family(503).__name__, family(422).__name__
    ('ConflictError', 'RetryError', 'StopError')
    """
    if status == 409:
        return ConflictError
    return RetryError if status in {401, 408, 425, 429} or status >= 500 else StopError

"""How long to wait before trying again: full-jitter exponential backoff, without a clock or randomness of its own.

https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/: uniform in [0, min(cap, base × 2^attempt)].
"""

from collections.abc import Callable
from typing import Final

_MAX_EXPONENT: Final = 30


class Backoff:
    """Delays in seconds for one thing that is retried for ever; `reset` once it worked.

    >>> backoff = Backoff(uniform=lambda low, high: high, base=0.5, cap=3)
    >>> [backoff.next() for _ in range(4)]
    [0.5, 1.0, 2.0, 3]
    >>> backoff.reset()
    >>> backoff.next()
    0.5
    """

    def __init__(self, uniform: Callable[[float, float], float], base: float = 0.25, cap: float = 30.0) -> None:
        self._uniform = uniform
        self._base = base
        self._cap = cap
        self._attempt = 0

    def next(self) -> float:
        """The next delay."""
        high = min(self._cap, self._base * 2 ** min(self._attempt, _MAX_EXPONENT))
        self._attempt += 1
        return self._uniform(0, high)

    def reset(self) -> None:
        """It worked: begin with short delays again."""
        self._attempt = 0

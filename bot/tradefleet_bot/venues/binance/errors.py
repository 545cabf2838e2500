"""The venue's refusals, translated once, here, into the families that the engine knows.

    Failure
    ├── retry    surely no effect, may be tried again after `retry_after`: rate limits, maintenance, our clock
    ├── stop     surely no effect, must not be repeated as it is: refused, malformed, forbidden; every unknown code
    └── unknown  nobody knows whether it happened: timeouts, lost replies; ask by client id, never send again

https://developers.binance.com/docs/derivatives/usds-margined-futures/error-code and general-info (HTTP 503).
"""

import re
from collections.abc import Mapping
from typing import Final, Literal

import msgspec
from msgspec import Struct

NS: Final = 1_000_000_000
Family = Literal["retry", "stop", "unknown"]

CLOCK: Final = -1021
NO_SUCH_ORDER: Final = -2013
UNKNOWN_ORDER: Final = -2011
BAD_LISTEN_KEY: Final = -1125
NO_CHANGE: Final = frozenset({-4046, -4059, -5027})
"""Refusals that mean: it is so already."""
_RETRY: Final = frozenset({-1003, -1008, -1015, -1016, -1021, -1125, -4117, -5028, -5043})
_UNKNOWN: Final = frozenset({-1000, -1001, -1006, -1007, -4116})
"""-4116 (client id is duplicated): our ids are made once a decision, so the order is there already; a query says."""
_WAIT: Final = {-1003: 60 * NS, -1015: 10 * NS, -1008: NS, -1016: 10 * NS}
_BANNED: Final = re.compile(r"banned until (\d{13})")
_DEFAULT_WAIT: Final = {418: 120 * NS, 429: 10 * NS, 403: 60 * NS}


class Failure(Struct, frozen=True):
    """Why a request brought no result; `code` is the venue's, None where there is none."""

    family: Family
    reason: str
    code: int | None = None
    retry_after: int = 0
    """Nanoseconds to wait; 0 where the venue named none."""


class _Body(Struct):
    code: int | str | None = None
    msg: str = ""


_BODY: Final = msgspec.json.Decoder(_Body)


def failure(status: int, body: bytes, headers: Mapping[str, str], now_ms: int) -> Failure:
    """What a reply with an HTTP error status (or an error body) means, received at venue time `now_ms`."""
    code, message = _parse(body)
    reason = f"{code} {message}".strip() if code is not None else f"HTTP {status} {message}".strip()
    wait = _wait(status, code, message, headers, now_ms)
    if code in _UNKNOWN:
        return Failure("unknown", reason, code)
    if code in _RETRY:
        return Failure("retry", reason, code, wait)
    if status in {403, 418, 429}:
        return Failure("retry", reason, code, wait)
    if status == 503 and message.startswith(("Service Unavailable", "Internal error; unable to process")):
        return Failure("retry", reason, code)
    if status == 408 or status >= 500 or (status < 400 and code is None):
        return Failure("unknown", reason, code)
    return Failure("stop", reason, code)


def _parse(body: bytes) -> tuple[int | None, str]:
    try:
        parsed = _BODY.decode(body)
        return (None if parsed.code is None else int(parsed.code)), parsed.msg
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None, body[:120].decode("utf-8", "replace")


def _wait(status: int, code: int | None, message: str, headers: Mapping[str, str], now_ms: int) -> int:
    banned = _BANNED.search(message)
    if banned:
        return max(0, int(banned[1]) - now_ms) * 1_000_000
    told = headers.get("Retry-After", "")
    if told.isdigit() and len(told) < 7:
        return int(told) * NS
    return _DEFAULT_WAIT.get(status, _WAIT.get(code, 0) if code is not None else 0)

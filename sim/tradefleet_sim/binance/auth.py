"""API keys, signatures and the receive window (exchange-protocols.md A4).

A key that nobody registered uses the public secret `tradefleet-sim`: nothing is at risk here. `KEY/sub1` is a
sub-account of `KEY` and uses its secret unless it has one of its own.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import parse_qsl

from tradefleet_sim.binance.errors import ApiError

PUBLIC_SECRET: Final = "tradefleet-sim"  # noqa: S105 - public on purpose: it protects nothing
_KEY: Final = re.compile(r"[A-Za-z0-9._:/-]{1,128}\Z")
_DEFAULT_WINDOW, _LONGEST_WINDOW, _AHEAD = 5_000, 60_000, 1_000


@dataclass(slots=True)
class Keys:
    secrets: dict[str, str] = field(default_factory=dict)
    revoked: set[str] = field(default_factory=set)

    def check_key(self, key: str | None) -> str:
        if key is None or not _KEY.match(key):
            raise ApiError(-2014, "API-key format invalid.", status=401)
        if key in self.revoked:
            raise ApiError(-2015, "Invalid API-key, IP, or permissions for action.", status=401)
        return key

    def secret(self, key: str) -> str:
        return self.secrets.get(key) or self.secrets.get(key.partition("/")[0]) or PUBLIC_SECRET


def sign(secret: str, payload: str) -> str:
    """Lowercase hex HMAC-SHA256."""
    return hmac.new(secret.encode(), payload.encode("utf-8", "surrogateescape"), hashlib.sha256).hexdigest()


def check_signature(secret: str, query: str, body: str) -> None:
    """The signature covers query and body as sent, concatenated without '&', less the signature itself."""
    given: str | None = None
    payload = ""
    for part in (query, body):
        kept = []
        for item in part.split("&"):
            if item.startswith("signature="):
                given = given or item.removeprefix("signature=")
            elif item:
                kept.append(item)
        payload += "&".join(kept)
    if not given:
        raise ApiError(-1102, "Mandatory parameter 'signature' was not sent, was empty/null, or malformed.")
    if not hmac.compare_digest(sign(secret, payload).encode(), given.encode("utf-8", "surrogateescape")):
        raise ApiError(-1022, "Signature for this request is not valid.")


def check_time(timestamp: int, window: int | None, now: int) -> None:
    """Accepted iff timestamp < now + 1000 and now - timestamp <= recvWindow."""
    window = _DEFAULT_WINDOW if window is None else window
    if window > _LONGEST_WINDOW:
        raise ApiError(-1131, "recvWindow must be less than 60000")
    if timestamp >= now + _AHEAD:
        raise ApiError(-1021, "Timestamp for this request was 1000ms ahead of the server's time.")
    if now - timestamp > window:
        raise ApiError(-1021, "Timestamp for this request is outside of the recvWindow.")


def merged(query: str, body: str) -> dict[str, str]:
    """Parameters of both, the query's winning."""
    values = dict(parse_qsl(body, keep_blank_values=True, errors="replace"))
    values.update(parse_qsl(query, keep_blank_values=True, errors="replace"))
    return values

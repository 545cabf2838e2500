"""Which stream names carry which kinds of data, on which route, and how to subscribe. No I/O.

Since 2026-03 the venue routes: book data on /public, the rest on /market, user data on /private; a stream asked for on
the wrong route connects and stays silent.
"""

from collections.abc import Collection, Iterable
from typing import Final, Literal

import msgspec

from tradefleet_bot.core.events import Stream

Route = Literal["public", "market"]
OFFERED: Final[frozenset[Stream]] = frozenset({"trade", "quote", "depth", "mark", "open_interest", "liquidation"})
"""Open interest by polling REST, the others by stream."""
ROUTES: Final[dict[Route, dict[Stream, str]]] = {
    "public": {"quote": "bookTicker", "depth": "depth@100ms"},
    "market": {"trade": "aggTrade", "mark": "markPrice@1s", "liquidation": "forceOrder"},
}
MAX_STREAMS: Final = 1_024
"""Streams a connection may carry."""


def names(route: Route, symbols: Iterable[str], streams: Collection[Stream]) -> list[str]:
    """Stream names of a route.

    >>> names("public", ["BTCUSDT"], {"quote", "trade"})
    ['btcusdt@bookTicker']
    """
    return [f"{symbol.lower()}@{suffix}" for symbol in symbols for kind, suffix in ROUTES[route].items()
            if kind in streams]  # fmt: skip


def url(base: str, route: Route, symbols: Iterable[str], streams: Collection[Stream]) -> str:
    """URL of a combined stream that is subscribed from its first frame on.

    >>> url("wss://h/", "market", ["BTCUSDT"], {"trade"})
    'wss://h/market/stream?streams=btcusdt@aggTrade'
    """
    return f"{base.rstrip('/')}/{route}/stream?streams={'/'.join(names(route, symbols, streams))}"


def user_url(base: str, listen_key: str) -> str:
    """URL of the user data stream."""
    return f"{base.rstrip('/')}/private/ws/{listen_key}"


def subscribe(stream_names: list[str], request_id: int) -> bytes:
    """The frame that adds streams to a connection."""
    return msgspec.json.encode({"method": "SUBSCRIBE", "params": stream_names, "id": request_id})

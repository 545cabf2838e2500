"""One market or user stream connection without its socket: routes, subscriptions, and the control protocol (A1).

Unknown stream names are accepted and stay silent. A route carries only its own class of streams; the un-routed paths
carry what the venue still sends there: the public class.
"""

from __future__ import annotations

import json
import re
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final
from urllib.parse import parse_qs

MOST_STREAMS: Final = 1024
MOST_MESSAGES: Final = 10  # a second
_PUBLIC: Final = re.compile(r"(!bookTicker|[a-z0-9_]+@(bookTicker|depth(5|10|20)?(@\d+ms)?))\Z")


class Route(StrEnum):
    PUBLIC = "public"
    MARKET = "market"
    PRIVATE = "private"
    LEGACY = ""


class Disconnect(Exception):  # noqa: N818 - an instruction to the shell
    """The server closes the connection."""


def class_of(stream: str) -> Route:
    if _PUBLIC.match(stream):
        return Route.PUBLIC
    return Route.MARKET if "@" in stream or stream.startswith("!") else Route.PRIVATE


def carries(route: Route, stream: str) -> bool:
    wanted = Route.PUBLIC if route is Route.LEGACY else route
    return class_of(stream) is wanted


@dataclass(slots=True)
class Session:
    """`join` and `leave` tell the hub which streams to deliver; they are only called for streams the route carries."""

    route: Route
    combined: bool
    join: Callable[[str], None]
    leave: Callable[[str], None]
    streams: dict[str, None] = field(default_factory=dict)  # in the order of subscription
    _recent: deque[float] = field(default_factory=deque)

    def open(self, path: str, query: str) -> None:
        """Subscribes to what the URL asks for: /ws/<s1>/<s2>, /stream?streams=a/b, ?listenKey=K."""
        values = parse_qs(query)
        names = [name for name in path.split("/") if name]
        names += [name for value in values.get("streams", []) for name in value.split("/") if name]
        names += values.get("listenKey", [])
        self._subscribe(names)

    def receive(self, text: str, now: float) -> str:
        """The answer to one message from the client; `now` in seconds. Raises Disconnect."""
        self._recent.append(now)
        while self._recent and now - self._recent[0] >= 1:
            self._recent.popleft()
        if len(self._recent) > MOST_MESSAGES:
            raise Disconnect("too many messages a second")
        return json.dumps(self._answer(text), separators=(",", ":"))

    def _answer(self, text: str) -> dict[str, Any]:
        try:
            message = json.loads(text)
        except (ValueError, RecursionError) as error:
            return {"code": 3, "msg": f"Invalid JSON: {type(error).__name__}"}
        if not isinstance(message, dict):
            return {"code": 2, "msg": "Invalid request: message must be an object"}
        number = message.get("id")
        if isinstance(number, bool) or not isinstance(number, int) or not 0 <= number < 2**64:
            return {"code": 2, "msg": "Invalid request: request ID must be an unsigned integer"}
        params = message.get("params", [])
        match message.get("method"):
            case "LIST_SUBSCRIPTIONS":
                return {"result": list(self.streams), "id": number}
            case "SUBSCRIBE" | "UNSUBSCRIBE" as method:
                if not _is_names(params):
                    return {"code": 2, "msg": "Invalid request: params must be an array of strings", "id": number}
                if method == "SUBSCRIBE":
                    self._subscribe(params)
                else:
                    self._unsubscribe(params)
                return {"result": None, "id": number}
            case "SET_PROPERTY":
                return self._set_property(params, number)
            case "GET_PROPERTY":
                if params != ["combined"]:
                    return {"code": 0, "msg": "Unknown property", "id": number}
                return {"result": self.combined, "id": number}
            case _:
                return {"code": 2, "msg": "Invalid request: unknown method", "id": number}

    def _set_property(self, params: object, number: int) -> dict[str, Any]:
        if not isinstance(params, list) or not params or params[0] != "combined":
            return {"code": 0, "msg": "Unknown property", "id": number}
        if len(params) != 2 or not isinstance(params[1], bool):
            return {"code": 1, "msg": "Invalid value type: expected Boolean", "id": number}
        self.combined = params[1]
        return {"result": None, "id": number}

    def _subscribe(self, names: list[str]) -> None:
        for name in names:
            if name not in self.streams:
                if len(self.streams) >= MOST_STREAMS:
                    raise Disconnect("too many streams")
                self.streams[name] = None
                if carries(self.route, name):
                    self.join(name)

    def _unsubscribe(self, names: list[str]) -> None:
        for name in names:
            if name in self.streams:
                del self.streams[name]
                if carries(self.route, name):
                    self.leave(name)


def _is_names(params: object) -> bool:
    return isinstance(params, list) and all(isinstance(name, str) and len(name) <= 256 for name in params)

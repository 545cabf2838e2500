"""The REST API without its server: a request's text in, a reply's text out; every path of it can be fuzzed.

Each endpoint is one row: method, path, weight, who may call it, and the function that answers.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Final

from tradefleet_sim.binance import auth
from tradefleet_sim.binance.errors import ApiError, refused
from tradefleet_sim.binance.limits import Limits
from tradefleet_sim.binance.params import Params
from tradefleet_sim.binance.publisher import Publisher
from tradefleet_sim.binance.users import ListenKeys
from tradefleet_sim.engine.accounts import Account
from tradefleet_sim.engine.exchange import Exchange
from tradefleet_sim.engine.refusals import Refused
from tradefleet_sim.engine.symbol import SymbolState

MOST_ACCOUNTS: Final = 10_000


class Access(Enum):
    PUBLIC = "public"
    KEY = "key"  # the API key is enough
    SIGNED = "signed"


@dataclass(frozen=True, slots=True)
class Request:
    """As it came: `query` and `body` raw, because they are signed raw. `now` is the exchange's time in ms."""

    method: str
    path: str
    query: str
    body: str
    key: str | None
    address: str
    now: int


@dataclass(frozen=True, slots=True)
class Reply:
    status: int
    body: str
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Desk:
    """What the endpoints work on."""

    exchange: Exchange
    keys: auth.Keys = field(default_factory=auth.Keys)
    limits: Limits = field(default_factory=Limits)
    listen_keys: ListenKeys = field(default_factory=ListenKeys)
    publishers: dict[str, Publisher] = field(default_factory=dict)


@dataclass(slots=True)
class Call:
    """One request being answered."""

    desk: Desk
    params: Params
    now: int
    headers: dict[str, str]
    _account: Account | None = None

    @property
    def exchange(self) -> Exchange:
        return self.desk.exchange

    @property
    def account(self) -> Account:
        if self._account is None:
            raise AssertionError("a public endpoint asked for an account")
        return self._account

    def symbol(self) -> SymbolState:
        return self.exchange.state.symbols[self.params.instrument().symbol]

    def count_orders(self, *, ten_seconds: int = 1, minute: int = 1) -> None:
        short, long = self.desk.limits.orders(self.account.key, self.now, ten_seconds=ten_seconds, minute=minute)
        self.headers["X-MBX-ORDER-COUNT-10S"], self.headers["X-MBX-ORDER-COUNT-1M"] = str(short), str(long)


Answer = Callable[[Call], Any]
Weight = int | Callable[[Params], int]


@dataclass(frozen=True, slots=True)
class Endpoint:
    weight: Weight
    access: Access
    answer: Answer


Table = Mapping[tuple[str, str], Endpoint]
_JSON: Final = {"Content-Type": "application/json"}


def handle(desk: Desk, table: Table, request: Request) -> Reply:
    """The reply to any request; whatever is wrong with it, the venue's error body and never an exception."""
    headers = dict(_JSON)
    try:
        return Reply(200, _answer(desk, table, request, headers), headers)
    except Refused as no:
        error = refused(no.refusal)
    except ApiError as caught:
        error = caught
    if error.retry_after is not None:
        headers["Retry-After"] = str(error.retry_after)
    return Reply(error.status, json.dumps({"code": error.code, "msg": error.message}), headers)


def _answer(desk: Desk, table: Table, request: Request, headers: dict[str, str]) -> str:
    endpoint = table.get((request.method, request.path))
    params = Params(
        auth.merged(request.query, request.body),
        {name: symbol.instrument for name, symbol in desk.exchange.state.symbols.items()},
    )
    weight = 1 if endpoint is None else endpoint.weight if isinstance(endpoint.weight, int) else endpoint.weight(params)
    headers["X-MBX-USED-WEIGHT-1M"] = str(desk.limits.request(request.address, weight, request.now))
    if endpoint is None:
        if any(path == request.path for _, path in table):
            raise ApiError(-1000, f"Request method '{request.method}' not supported", status=405)
        raise ApiError(-5000, f"Path {request.path}, Method {request.method} is invalid", status=404)
    account = None
    if endpoint.access is not Access.PUBLIC:
        key = desk.keys.check_key(request.key)
        if endpoint.access is Access.SIGNED:
            timestamp = params.required_integer("timestamp")
            auth.check_signature(desk.keys.secret(key), request.query, request.body)
            auth.check_time(timestamp, params.integer("recvWindow"), request.now)
        accounts = desk.exchange.state.accounts
        if key not in accounts and len(accounts) >= MOST_ACCOUNTS:
            raise ApiError(-2015, "Invalid API-key, IP, or permissions for action.", status=401)
        account = desk.exchange.account(key, request.now)
    result = endpoint.answer(Call(desk, params, request.now, headers, account))
    return result if isinstance(result, str) else json.dumps(result, separators=(",", ":"))

"""The admin API over HTTP."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from time import monotonic
from typing import Any, Final

from aiohttp import web

from tradefleet_sim.admin.faults import FaultKind, Faults, parse
from tradefleet_sim.binance import auth, views
from tradefleet_sim.binance.api import Desk
from tradefleet_sim.binance.errors import ApiError
from tradefleet_sim.engine.accounts import Account
from tradefleet_sim.instruments import money, money_text
from tradefleet_sim.metrics import Metrics

_RICHEST: Final = Decimal(10) ** 12


@dataclass(frozen=True, slots=True)
class Admin:
    desk: Desk
    faults: Faults
    metrics: Metrics
    now: Callable[[], int]  # the simulator's time, ms
    drop_sockets: Callable[[], int]  # how many were cut
    about: dict[str, Any]  # how this simulator was started

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/healthz", self.healthz),
            web.get("/metrics", self.show_metrics),
            web.get("/admin/state", self.state),
            web.get("/admin/accounts", self.accounts),
            web.post("/admin/accounts", self.register),
            web.get("/admin/accounts/{key:.+}", self.account),
            web.delete("/admin/accounts/{key:.+}", self.revoke),
            web.get("/admin/faults", self.list_faults),
            web.post("/admin/faults", self.add_fault),
            web.delete("/admin/faults", self.clear_faults),
        ]

    async def healthz(self, _: web.Request) -> web.Response:
        return web.json_response({"status": "ok", "time": self.now()})

    async def show_metrics(self, _: web.Request) -> web.Response:
        self.metrics.accounts.set(len(self.desk.exchange.state.accounts))
        return web.Response(body=self.metrics.text(), content_type="text/plain", charset="utf-8")

    async def state(self, _: web.Request) -> web.Response:
        state = self.desk.exchange.state
        ledger = state.ledger
        symbols = {}
        for name, symbol in state.symbols.items():
            bid, ask = symbol.book.bids.best(), symbol.book.asks.best()
            text = symbol.instrument.price_text
            symbols[name] = {
                "bid": None if bid is None else text(bid),
                "ask": None if ask is None else text(ask),
                "last": None if symbol.last is None else text(symbol.last),
                "mark": None if symbol.mark is None else money_text(symbol.mark),
                "fundingRate": (symbol.mark_news.rate or None) if symbol.mark_news else None,
                "openInterest": symbol.instrument.lots_text(symbol.open_interest.lots)
                if symbol.open_interest
                else None,
                "updateId": symbol.update,
                "tradeId": symbol.trade_id,
            }
        return web.json_response(
            self.about
            | {
                "time": self.now(),
                "symbols": symbols,
                "accounts": len(state.accounts),
                "openOrders": sum(len(account.orders) for account in state.accounts.values()),
                "ledger": {
                    "deposits": money_text(ledger.deposits),
                    "fees": money_text(ledger.fees),
                    "funding": money_text(ledger.funding),
                    "insurance": money_text(ledger.insurance),
                },
                "faults": self.faults.listed(monotonic()),
            }
        )

    async def accounts(self, _: web.Request) -> web.Response:
        return web.json_response([self._account(account) for account in self.desk.exchange.state.accounts.values()])

    async def account(self, request: web.Request) -> web.Response:
        account = self.desk.exchange.state.accounts.get(request.match_info["key"])
        return _problem(404, "no such account") if account is None else web.json_response(self._account(account))

    async def register(self, request: web.Request) -> web.Response:
        """{key, secret?, balance?}: registers a key with its own secret; `balance` is for an account that is new."""
        body = await _json(request)
        if not isinstance(body, dict) or set(body) - {"key", "secret", "balance"}:
            return _problem(400, "send a JSON object with key, and optionally secret and balance")
        key, secret = body.get("key"), body.get("secret")
        try:
            balance = Decimal(str(body["balance"])) if "balance" in body else None
            key = auth.Keys().check_key(key if isinstance(key, str) else None)
        except (InvalidOperation, ApiError):
            return _problem(400, "key must be 1 to 128 of A-Z a-z 0-9 . _ : / - and balance a decimal number")
        if balance is not None and not (balance.is_finite() and 0 <= balance <= _RICHEST):
            return _problem(400, f"balance must be between 0 and {_RICHEST:f}")
        if secret is not None and not (isinstance(secret, str) and 1 <= len(secret) <= 256):
            return _problem(400, "secret must be a string of 1 to 256 characters")
        state, keys = self.desk.exchange.state, self.desk.keys
        if balance is not None and key in state.accounts:
            return _problem(409, "the account exists; its balance changes only by trading")
        if secret is not None:
            keys.secrets[key] = secret
        keys.revoked.discard(key)
        now = self.now()
        account = state.account(key, now) if balance is None else state.open_account(key, money(balance), now)
        return web.json_response(self._account(account), status=201)

    async def revoke(self, request: web.Request) -> web.Response:
        """The key is refused from now on (-2015); positions stay."""
        self.desk.keys.revoked.add(request.match_info["key"])
        return web.json_response({"revoked": request.match_info["key"]})

    async def list_faults(self, _: web.Request) -> web.Response:
        return web.json_response(self.faults.listed(monotonic()))

    async def add_fault(self, request: web.Request) -> web.Response:
        try:
            fault = parse(await _json(request))
        except ValueError as error:
            return _problem(400, str(error))
        self.metrics.faults.labels(fault.kind.value).inc()
        if fault.kind is FaultKind.DROP:
            return web.json_response({"dropped": self.drop_sockets()}, status=201)
        self.faults.add(fault, monotonic())
        return web.json_response(self.faults.listed(monotonic()), status=201)

    async def clear_faults(self, _: web.Request) -> web.Response:
        self.faults.clear()
        return web.json_response([])

    def _account(self, account: Account) -> views.Json:
        exchange = self.desk.exchange
        symbols = exchange.state.symbols
        health = exchange.health(account)
        held = [name for name, position in account.positions.items() if position.lots]
        return {
            "key": account.key,
            "accountAlias": account.alias,
            "balance": money_text(account.wallet),
            "equity": money_text(health.equity),
            "available": money_text(health.available),
            "liquidations": account.liquidations,
            "positions": [views.position_risk(exchange, account, symbols[name]) for name in held],
            "orders": [
                views.order(symbols[order.symbol].instrument, order, full=True) for order in account.orders.values()
            ],
            "algoOrders": [
                views.algo(symbols[algo.request.symbol].instrument, algo) for algo in account.algos.values()
            ],
            "fills": len(account.fills),
            "clientOrderIds": [
                order.client_id for order in (*account.closed, *account.orders.values()) if not order.algo_id
            ],
        }


async def _json(request: web.Request) -> object:
    try:
        return json.loads(await request.text())
    except (ValueError, RecursionError):
        return None


def _problem(status: int, message: str) -> web.Response:
    return web.json_response({"error": message}, status=status)

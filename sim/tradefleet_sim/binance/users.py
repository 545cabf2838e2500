"""User data streams: listen keys with their sixty minutes, and account events as the venue's frames (A7)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from tradefleet_sim.binance import views
from tradefleet_sim.binance.errors import ApiError
from tradefleet_sim.engine.events import (
    AccountChanged,
    AlgoChanged,
    Event,
    Execution,
    LeverageChanged,
    OrderChanged,
)
from tradefleet_sim.engine.symbol import SymbolState
from tradefleet_sim.instruments import money_text

VALID_MS: Final = 3_600_000
Json = dict[str, Any]


@dataclass(slots=True)
class ListenKeys:
    """One active key an account."""

    _by_account: dict[str, tuple[str, int]] = field(default_factory=dict)
    _made: int = 0

    def create(self, account: str, now: int) -> str:
        """The account's active key, made if there is none, valid for another hour."""
        known = self._by_account.get(account)
        if known is None:
            self._made += 1
            digest = hashlib.sha512(f"{account}\n{now}\n{self._made}".encode()).hexdigest()
            known = (digest[:64], 0)
        self._by_account[account] = (known[0], now + VALID_MS)
        return known[0]

    def extend(self, account: str, now: int) -> str:
        if account not in self._by_account:
            raise ApiError(-1125, "This listenKey does not exist.")
        return self.create(account, now)

    def close(self, account: str) -> str | None:
        known = self._by_account.pop(account, None)
        return known[0] if known else None

    def of(self, account: str) -> str | None:
        known = self._by_account.get(account)
        return known[0] if known else None

    def expire(self, now: int) -> Iterator[tuple[str, str]]:
        """Keys whose time is over, and the frame that says so."""
        for account, (key, until) in list(self._by_account.items()):
            if now >= until:
                del self._by_account[account]
                yield key, _dump({"e": "listenKeyExpired", "E": now, "listenKey": key})


def frames_of(event: Event, symbols: dict[str, SymbolState]) -> Iterator[tuple[str, str]]:
    """(account, frame) pairs that an engine event makes."""
    match event:
        case OrderChanged():
            yield event.order.account, _dump(_order_update(event, symbols[event.order.symbol]))
            if event.execution is Execution.TRADE:
                yield event.order.account, _dump(_trade_lite(event, symbols[event.order.symbol]))
        case AccountChanged():
            yield event.account, _dump(_account_update(event, symbols))
        case AlgoChanged():
            yield event.algo.account, _dump(_algo_update(event, symbols[event.algo.request.symbol]))
        case LeverageChanged():
            body = {"s": event.symbol, "l": event.leverage}
            yield event.account, _dump({"e": "ACCOUNT_CONFIG_UPDATE", "E": event.at, "T": event.at, "ac": body})
        case _:
            pass


def _order_update(event: OrderChanged, symbol: SymbolState) -> Json:
    order, fill, instrument = event.order, event.fill, symbol.instrument
    body: Json = {
        "s": order.symbol,
        "c": order.client_id,
        "S": order.side.value,
        "o": order.kind.value,
        "f": order.time_in_force.value,
        "q": instrument.lots_text(order.lots),
        "p": views.price_or_zero(instrument, order.price),
        "ap": views.average_price(instrument, order.value, order.filled),
        "sp": "0",
        "x": event.execution.value,
        "X": order.status.value,
        "i": order.id,
        "l": instrument.lots_text(fill.lots if fill else 0),
        "z": instrument.lots_text(order.filled),
        "L": instrument.price_text(fill.price) if fill else "0",
        "n": money_text(fill.fee) if fill else "0",
        "N": instrument.quote,
        "T": event.at,
        "t": fill.trade_id if fill else 0,
        "b": "0",
        "a": "0",
        "m": fill.maker if fill else False,
        "R": order.reduce_only,
        "wt": "CONTRACT_PRICE",
        "ot": order.kind.value,
        "ps": "BOTH",
        "cp": order.close_position,
        "rp": money_text(fill.realized) if fill else "0",
        "pP": False,
        "si": order.algo_id,
        "ss": 0,
        "V": "EXPIRE_MAKER",
        "pm": "NONE",
        "gtd": 0,
        "er": str(int(order.expiry)),
    }
    return {"e": "ORDER_TRADE_UPDATE", "T": event.at, "E": event.at, "o": body}


def _trade_lite(event: OrderChanged, symbol: SymbolState) -> Json:
    order, fill, instrument = event.order, event.fill, symbol.instrument
    if fill is None:
        raise AssertionError("an execution of type TRADE has a fill")
    return {
        "e": "TRADE_LITE",
        "E": event.at,
        "T": event.at,
        "s": order.symbol,
        "q": instrument.lots_text(order.lots),
        "p": views.price_or_zero(instrument, order.price),
        "m": fill.maker,
        "c": order.client_id,
        "S": order.side.value,
        "L": instrument.price_text(fill.price),
        "l": instrument.lots_text(fill.lots),
        "t": fill.trade_id,
        "i": order.id,
    }


def _account_update(event: AccountChanged, symbols: dict[str, SymbolState]) -> Json:
    wallet = money_text(event.wallet)
    balances = [{"a": "USDT", "wb": wallet, "cw": wallet, "bc": money_text(event.change)}]
    positions = []
    if event.symbol is not None and event.position is not None:
        symbol, position = symbols[event.symbol], event.position
        unrealized = position.unrealized(symbol.mark_value(position.lots))
        positions.append(
            {
                "s": event.symbol,
                "pa": symbol.instrument.lots_text(position.lots),
                "ep": f"{views.entry_price(symbol, position):.8f}",
                "cr": money_text(event.realized),
                "up": money_text(unrealized),
                "mt": "cross",
                "iw": "0",
                "ps": "BOTH",
                "ma": symbol.instrument.quote,
                "bep": f"{views.break_even(symbol, position):.8f}",
            }
        )
    body = {"B": balances, "P": positions, "m": event.reason}
    return {"e": "ACCOUNT_UPDATE", "T": event.at, "E": event.at, "a": body}


def _algo_update(event: AlgoChanged, symbol: SymbolState) -> Json:
    item, instrument = event.algo, symbol.instrument
    request = item.request
    body: Json = {
        "caid": item.client_id,
        "aid": item.id,
        "at": "CONDITIONAL",
        "o": request.kind.value,
        "s": request.symbol,
        "S": request.side.value,
        "ps": "BOTH",
        "f": request.time_in_force.value,
        "q": instrument.lots_text(request.lots),
        "X": item.status.value,
        "ai": str(item.order_id) if item.order_id else "",
        "ap": "0.00000",
        "aq": "0.00000",
        "act": "0",
        "tp": instrument.price_text(request.trigger),
        "p": views.price_or_zero(instrument, request.price),
        "V": "EXPIRE_MAKER",
        "wt": request.working.value,
        "pm": "NONE",
        "cp": request.close_position,
        "pP": request.price_protect,
        "R": request.reduce_only,
        "tt": item.triggered,
        "gtd": 0,
        "rm": item.reason,
    }
    return {"e": "ALGO_UPDATE", "T": event.at, "E": event.at, "o": body}


def _dump(body: Json) -> str:
    return json.dumps(body, separators=(",", ":"))

"""What a real exchange would not forget: accounts, positions, orders and ids, in a file that outlives the process.

One SQLite row an account, written before any reply that depends on it; so a simulator that is killed comes back with
every fill it has told anybody about. The market itself is not kept: it starts anew, as after an outage.
"""

from __future__ import annotations

import sqlite3
from collections import deque
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any, Final, TypeVar

from pydantic import TypeAdapter, ValidationError

from tradefleet_sim.binance.auth import Keys
from tradefleet_sim.engine.accounts import HISTORY, Account, Ledger
from tradefleet_sim.engine.state import State

FORMAT: Final = 2
KEPT: Final = 500  # closed orders, fills and incomes of an account that are kept; it forgets older ones at a restart
_STRANGERS_TRADES: Final = 10**6  # trade ids that strangers may have used since the last save


T = TypeVar("T")


class VaultError(Exception):
    """The file is no vault of this version, or is of other symbols; `str()` is one sentence."""


class Vault:
    """Keeps a State in the file `path`. Raises VaultError (contents) or OSError (the file itself)."""

    def __init__(self, path: Path) -> None:
        self._path = path
        path.touch(mode=0o600)
        try:
            self._db = sqlite3.connect(path, isolation_level=None)
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute("CREATE TABLE IF NOT EXISTS kept (name TEXT PRIMARY KEY, value TEXT NOT NULL)")
        except sqlite3.DatabaseError as error:
            raise VaultError(f"{path}: cannot be used to keep accounts: {error}") from error
        self._accounts = TypeAdapter(Account)
        self._ledger = TypeAdapter(Ledger)
        self._common: TypeAdapter[dict[str, Any]] = TypeAdapter(dict[str, Any])

    def close(self) -> None:
        self._db.close()

    def save(self, state: State, keys: Keys, accounts: set[str]) -> None:
        """Write these accounts, the ledger, the ids and the registered keys, all or nothing."""
        rows = [(f"account/{key}", self._accounts.dump_json(_short(state.accounts[key]))) for key in sorted(accounts)]
        common = {
            "format": FORMAT,
            "last_id": state.last_id,
            "secrets": keys.secrets,
            "revoked": sorted(keys.revoked),
            "countdowns": [[*whose, due] for whose, due in state.countdowns.items()],
            "marks": {name: symbol.mark for name, symbol in state.symbols.items()},
            "trade_ids": {name: symbol.trade_id for name, symbol in state.symbols.items()},
        }
        rows += [("common", self._common.dump_json(common)), ("ledger", self._ledger.dump_json(state.ledger))]
        self._db.execute("BEGIN")
        self._db.executemany(
            "INSERT OR REPLACE INTO kept VALUES (?, ?)", [(name, value.decode()) for name, value in rows]
        )
        self._db.execute("COMMIT")

    def restore(self, state: State, keys: Keys) -> bool:
        """Fill a fresh state and key ring with what was kept; False where nothing was. Then call `Exchange.resume`."""
        kept = dict(self._db.execute("SELECT name, value FROM kept"))
        if not kept:
            return False
        try:
            common = self._common.validate_json(kept["common"])
            if common["format"] != FORMAT:
                raise VaultError(
                    f"{self._path}: format {common['format']} is not {FORMAT}; remove the file to start anew"
                )
            ledger = self._ledger.validate_json(kept["ledger"])
            accounts = [
                self._accounts.validate_json(value) for name, value in kept.items() if name.startswith("account/")
            ]
        except (ValidationError, KeyError) as error:
            raise VaultError(f"{self._path}: not readable; remove the file to start anew") from error
        if strange := _symbols(accounts) - state.symbols.keys():
            raise VaultError(f"{self._path}: has positions or orders in {min(strange)}, which is not served now")
        state.ledger, state.last_id = ledger, max(state.last_id, common["last_id"])
        keys.secrets.update(common["secrets"])
        keys.revoked.update(common["revoked"])
        for name, symbol in state.symbols.items():
            symbol.trade_id = max(symbol.trade_id, common["trade_ids"].get(name, 0) + _STRANGERS_TRADES)
            symbol.mark = common["marks"].get(name)  # until the market says its own: positions are valued by it
        state.countdowns.update({(key, name): due for key, name, due in common["countdowns"]})
        for account in accounts:
            state.accounts[account.key] = _long(account)
        return True


def _symbols(accounts: list[Account]) -> set[str]:
    held = {name for account in accounts for name, position in account.positions.items() if position.lots}
    ordered = {order.symbol for account in accounts for order in account.orders.values()}
    return held | ordered | {algo.request.symbol for account in accounts for algo in account.algos.values()}


def _short(account: Account) -> Account:
    return replace(
        account,
        closed=_tail(account.closed, KEPT),
        closed_algos=_tail(account.closed_algos, KEPT),
        fills=_tail(account.fills, KEPT),
        incomes=_tail(account.incomes, KEPT),
    )


def _long(account: Account) -> Account:
    return replace(
        account,
        closed=deque(account.closed, maxlen=HISTORY),
        closed_algos=deque(account.closed_algos, maxlen=HISTORY),
        fills=deque(account.fills, maxlen=HISTORY),
        incomes=deque(account.incomes, maxlen=HISTORY),
    )


def _tail(history: deque[T], count: int) -> deque[T]:
    return deque(islice(history, max(0, len(history) - count), None))

"""Everything the exchange remembers, and the list of what happened since somebody last asked."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field

from tradefleet_sim.engine.accounts import Account, Income, Ledger
from tradefleet_sim.engine.events import AccountChanged, Event
from tradefleet_sim.engine.symbol import SymbolState
from tradefleet_sim.instruments import Instrument


@dataclass(slots=True)
class State:
    symbols: dict[str, SymbolState]
    starting_balance: int  # money units that a new account finds
    accounts: dict[str, Account] = field(default_factory=dict)
    ledger: Ledger = field(default_factory=Ledger)
    happened: list[Event] = field(default_factory=list)
    countdowns: dict[tuple[str, str], int] = field(default_factory=dict)  # (account, symbol) → when all is cancelled
    last_id: int = 0

    @classmethod
    def of(cls, instruments: Iterable[Instrument], starting_balance: int, first_id: int) -> State:
        return cls({item.symbol: SymbolState(item) for item in instruments}, starting_balance, last_id=first_id)

    def next_id(self) -> int:
        self.last_id += 1
        return self.last_id

    def emit(self, event: Event | None) -> None:
        if event is not None:
            self.happened.append(event)

    def account(self, key: str, at: int) -> Account:
        """The account of `key`, made with the starting balance on first use."""
        return self.accounts.get(key) or self.open_account(key, self.starting_balance, at)

    def open_account(self, key: str, balance: int, at: int) -> Account:
        account = Account(key, _alias(key), balance, at, at)
        self.accounts[key] = account
        self.ledger.deposits += balance
        account.incomes.append(Income(at, self.next_id(), "TRANSFER", "", balance))
        return account

    def pay(self, account: Account, at: int, kind: str, symbol: str, amount: int, *, trade_id: int = 0) -> None:
        """Moves `amount` (negative: out of the account) and remembers why; the caller books the other hand."""
        account.wallet += amount
        if kind == "REALIZED_PNL":
            account.realized[symbol] = account.realized.get(symbol, 0) + amount
        account.updated = at
        account.incomes.append(Income(at, self.next_id(), kind, symbol, amount, trade_id))

    def emit_position(self, account: Account, at: int, symbol: str) -> None:
        """Tells wallet and position after trading."""
        self.emit(
            AccountChanged(
                at,
                account.key,
                reason="ORDER",
                wallet=account.wallet,
                symbol=symbol,
                position=account.position(symbol),
                realized=account.realized.get(symbol, 0),
            )
        )

    def emit_balance(self, account: Account, at: int, reason: str, change: int) -> None:
        """Tells a change of the wallet that no trade made."""
        self.emit(AccountChanged(at, account.key, reason, account.wallet, change))


def _alias(key: str) -> str:
    """Like the venue's: opaque, stable, different for a sub-account."""
    digest = hashlib.sha256(key.encode()).digest()
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
    return "".join(letters[byte % len(letters)] for byte in digest[:12])

"""Everything the engine knows, in one place; the modules around it read it, change it, and append commands to `out`."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from tradefleet_bot.core.account import Account
from tradefleet_bot.core.atr import Atr
from tradefleet_bot.core.carry import Carry
from tradefleet_bot.core.commands import Command, Outcome, Persist, Record, Topic
from tradefleet_bot.core.decision import Features, Model
from tradefleet_bot.core.events import Directive, Instrument, Stream
from tradefleet_bot.core.limits import Limits, Route
from tradefleet_bot.core.market import Market
from tradefleet_bot.core.orders.blotter import Blotter
from tradefleet_bot.core.orders.ids import client_id, owner
from tradefleet_bot.core.orders.intent import Leg
from tradefleet_bot.core.risk.latches import Latches

FeatureFactory = Callable[[tuple[str, ...], str], Features]
MINUTE = 60_000_000_000


class EngineConfig(Struct, frozen=True, array_like=True):
    """What an engine is started with; journaled in the header, so that a replay starts the same one."""

    account: str
    """Identity of the account in client ids, e.g. `namespace.name`."""
    symbols: tuple[str, ...]
    decision_interval: int
    """Nanoseconds; decisions fall on its multiples in engine time."""
    strict: bool = False
    """Raise at a contradiction of the venue instead of going reduce-only: for tests."""


@dataclass(slots=True)
class Trip:
    """What was planned for a position, from flat to flat; distances in quote per base, None for an adopted one."""

    decided_at: int
    stop_distance: Decimal | None = None
    target_distance: Decimal | None = None
    stops_sent: int = 0
    target_refused: bool = False


@dataclass(slots=True)
class SymbolState:
    """One symbol."""

    symbol: str
    owner: str
    features: Features
    model_state: Any
    vector: NDArray[np.float32]
    atr: Atr
    streams: tuple[Stream, ...]
    """What the features read: new risk needs all of it up and fresh."""
    market: Market = field(default_factory=Market)
    instrument: Instrument | None = None
    route: Route | None = None
    """Where its orders go; None before the first directive."""
    trip: Trip | None = None
    holding: int = 0
    """Decisions since entry."""
    missing: tuple[str, ...] = ("no decision yet",)
    quorum_lost: bool = False
    unprotected_since: int | None = None
    exiting: str | None = None
    """Why the position is being closed, until it is flat."""
    exit_at: int = 0
    """The next exit order not before, ns."""
    filled_at: int = 0
    swept: bool = False
    leverage: tuple[Route, int] | None = None
    numbers: dict[Leg, tuple[int, int]] = field(default_factory=dict)

    def next_id(self, decided_at: int, leg: Leg) -> str:
        """A client id never used before: the next number of this decision and leg."""
        millisecond = decided_at // 1_000_000
        before, number = self.numbers.get(leg, (-1, -1))
        number = number + 1 if before == millisecond else 0
        self.numbers[leg] = (millisecond, number)
        return client_id(self.owner, decided_at, leg, number)


class EngineState:
    """All of it; `out` collects the commands of the event that is being handled."""

    def __init__(self, config: EngineConfig, model: Model, features: FeatureFactory) -> None:
        names = model.features
        bar = min(max(config.decision_interval, 1_000_000_000), MINUTE)
        self.config = config
        self.model = model
        self.at = 0
        self.out: list[Command] = []
        self.directive: Directive | None = None
        self.latches = Latches()
        self.blotter = Blotter(config.strict)
        self.accounts: dict[Route, Account] = {}
        self.symbols: dict[str, SymbolState] = {}
        for symbol in config.symbols:
            feature_set = features(names, symbol)
            self.symbols[symbol] = SymbolState(
                symbol,
                owner(config.account, symbol),
                feature_set,
                model.for_symbol(),
                np.zeros(len(names), dtype=np.float32),
                Atr(bar),
                tuple(sorted(feature_set.streams)),
            )
        self.carry = Carry()
        """As last persisted."""
        self.rearm = ""
        self.sends: deque[int] = deque()
        """Engine times of the orders sent in the last minute."""
        self.rejects = 0
        """Entries rejected in a row."""
        self.refusals: dict[str, int] = {}
        self.orders_sent = 0
        self.fills = 0
        self.errors = 0
        self.last_decision: Record | None = None

    @property
    def limits(self) -> Limits | None:
        return None if self.directive is None else self.directive.limits

    def account(self, route: Route) -> Account:
        """The route's account, made when it is first asked for, with the figures a restart carried over."""
        account = self.accounts.get(route)
        if account is None:
            carried = next((figures for figures in self.carry.figures if figures.route == route), None)
            account = self.accounts[route] = Account(route, carried)
        return account

    def account_of(self, symbol: SymbolState) -> Account | None:
        return None if symbol.route is None else self.account(symbol.route)

    def prices(self, route: Route) -> dict[str, Decimal]:
        """What a unit of each symbol on the route is worth, where known."""
        return {
            name: value
            for name, symbol in self.symbols.items()
            if symbol.route == route and (value := symbol.market.value) is not None
        }

    def record(self, symbol: str, topic: Topic, outcome: Outcome, reason: str, client_id: str | None = None) -> None:
        """Say something to the ledger, the log and the status."""
        self.out.append(Record(self.at, symbol, topic, outcome, reason, client_id=client_id))

    def trip_latch(self, name: str, reason: str, symbol: str = "") -> None:
        """Trip a latch, once."""
        if self.latches.trip(name, reason, self.at):
            self.record(symbol, "latch", "warning", f"{name}: {reason}; no new risk until a person re-arms it")

    def persist(self) -> None:
        """Append a Persist where what must survive a restart has changed."""
        carry = Carry(
            self.latches.tripped,
            tuple(account.figures for account in self.accounts.values()) or self.carry.figures,
            self.rearm,
        )
        if carry != self.carry:
            self.carry = carry
            self.out.append(Persist(self.at, carry))

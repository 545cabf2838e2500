"""A small world for engine tests: a scripted model, market events by hand, and a desk that wires them."""

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tradefleet_api.botconfig import StaticOrders
from tradefleet_api.tradingbot import Execution, Risk
from tradefleet_bot.core.commands import Command, Place
from tradefleet_bot.core.decision import Action, Decision, Mask, PortfolioView
from tradefleet_bot.core.desk import Desk
from tradefleet_bot.core.directive import from_static
from tradefleet_bot.core.engine import Engine
from tradefleet_bot.core.events import Directive, Event, FeedState, Instrument, MarketEvent, Quote, Stream, Trade
from tradefleet_bot.core.orders.intent import OrderIntent
from tradefleet_bot.core.paper import PaperConfig, PaperVenue
from tradefleet_bot.core.state import EngineConfig

SECOND = 1_000_000_000
START = 1_700_000_000 * SECOND
SYMBOL = "BTCUSDT"
RULES = Instrument(START, SYMBOL, Decimal("0.1"), Decimal("0.001"), Decimal("0.001"), Decimal(50))

Script = Callable[[int, Mask, PortfolioView], Action]


class ScriptedModel:
    """Decides what the script says; the state counts the decisions."""

    features: tuple[str, ...] = ("one",)
    digest = "d" * 64

    def __init__(self, script: Script) -> None:
        self.script = script
        self.quorum_lost = False

    def for_symbol(self) -> Any:
        return [0]

    def decide(
        self, state: Any, vector: NDArray[np.float32], missing: tuple[str, ...], view: PortfolioView, mask: Mask
    ) -> Decision:
        state[0] += 1
        if self.quorum_lost:
            return Decision("HOLD", None, {}, "too few votes", quorum_lost=True)
        if missing:
            return Decision("HOLD", None, {}, f"missing: {', '.join(missing)}")
        return Decision(self.script(state[0], mask, view), 0.5, {"script": 0.5}, "scripted")


class OneFeature:
    """The last price, there as soon as one trade was seen."""

    streams: frozenset[Stream] = frozenset({"trade", "quote"})

    def __init__(self, names: Sequence[str], symbol: str) -> None:
        self.price: float | None = None

    def update(self, event: MarketEvent | FeedState) -> None:
        if isinstance(event, Trade):
            self.price = event.price

    def vector(self, at: int, out: NDArray[np.float32]) -> tuple[str, ...]:
        if self.price is None:
            return ("one",)
        out[0] = self.price
        return ()


def hold(_n: int, _mask: Mask, _view: PortfolioView) -> Action:
    return "HOLD"


def when_allowed(*actions: Action) -> Script:
    """The n-th action at the first decision that allows it, then the next; HOLD in between and after."""
    from tradefleet_bot.core.decision import ACTIONS

    waiting = list(actions)

    def script(_n: int, mask: Mask, _view: PortfolioView) -> Action:
        if waiting and mask[ACTIONS.index(waiting[0])]:
            return waiting.pop(0)
        return "HOLD"

    return script


def orders(**risk: Any) -> StaticOrders:
    """Paper orders with limits that leave room; any limit by its field name."""
    loose = {"max_trades_per_day": 1000, "max_orders_per_minute": 1000, "max_consecutive_losses": 1000}
    return StaticOrders(
        risk=Risk(**{**loose, **risk}), execution=Execution(stop_confirm_timeout="2s", order_timeout="3s")
    )


def directive(at: int = START, mode: str = "paper", **changes: Any) -> Directive:
    """A running directive; limits by `risk={…}`, any other field by its name."""
    from msgspec.structs import replace

    risk = changes.pop("risk", {})
    return replace(from_static(at, orders(**risk)), **{"mode": mode, **changes})


def engine(
    script: Script = hold, *, interval: int = SECOND, strict: bool = True, symbols: tuple[str, ...] = (SYMBOL,)
) -> Engine:
    """An engine on the scripted model."""
    return Engine(EngineConfig("test.bot", symbols, interval, strict), ScriptedModel(script), OneFeature)


def desk(script: Script = hold, **paper: Any) -> Desk:
    """An engine with a paper venue."""
    return Desk(engine(script), PaperVenue(PaperConfig(**paper)))


def quote(at: int, price: float, size: float = 50.0, symbol: str = SYMBOL) -> Quote:
    """A best bid and offer one tick around a price."""
    return Quote(at, at, symbol, round(price - 0.1, 1), size, round(price + 0.1, 1), size)


def trade(at: int, price: float, size: float = 1.0, side: str = "BUY", symbol: str = SYMBOL) -> Trade:
    """A trade print."""
    return Trade(at, at, symbol, price, size, "BUY" if side == "BUY" else "SELL")


def market(start: int, prices: Sequence[float], every: int = SECOND // 4) -> list[Event]:
    """A quote and a trade for each price."""
    events: list[Event] = []
    for n, price in enumerate(prices):
        at = start + n * every
        events += [quote(at, price), trade(at + 1_000_000, price)]
    return events


def wave(n: int, middle: float = 60_000.0, width: float = 30.0) -> list[float]:
    """Prices that move enough for an average true range."""
    return [middle + width * ((k % 8) - 4) / 4 for k in range(n)]


def run(target: Desk, events: Sequence[Event]) -> list[tuple[Event, list[Command]]]:
    """Every step of the desk, paper answers included."""
    return [step for event in events for step in target.step(event)]


def placed(steps: Sequence[tuple[Event, list[Command]]]) -> list[OrderIntent]:
    """The orders placed, in order."""
    return [command.order.value for _, commands in steps for command in commands if isinstance(command, Place)]


def commands(steps: Sequence[tuple[Event, list[Command]]], kind: type) -> list[Any]:
    """The commands of one kind, in order."""
    return [command for _, out in steps for command in out if isinstance(command, kind)]

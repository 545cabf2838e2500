"""The engine: `step(event) -> commands`, a deterministic function of its events. No clock, no randomness, no I/O.

An event is taken in (market, account or orders from above), what follows from it at once is done, and when engine
time crosses a multiple of the decision interval every symbol decides, before the event that crossed it is taken in:
a decision at time t has seen exactly the events received before t. A heartbeat every 250 ms of engine time looks after
everything that is about time: protective stops, unanswered orders, reconciliation, losses.
"""

from collections.abc import Callable
from typing import Any, Final

from tradefleet_bot.core.accounting import infer_missing_fills, on_cash_flow, on_failure, on_fill, on_report
from tradefleet_bot.core.commands import Command
from tradefleet_bot.core.deciding import decide
from tradefleet_bot.core.decision import Model
from tradefleet_bot.core.directive import trading_state
from tradefleet_bot.core.events import (
    AccountFeed,
    AccountState,
    CashFlow,
    CommandFailed,
    DepthDelta,
    DepthSnapshot,
    Directive,
    Event,
    FeedState,
    Fill,
    Instrument,
    Liquidation,
    LiquidationPrice,
    MarkPrice,
    OpenInterest,
    OrderReport,
    Quote,
    Restored,
    Timer,
    Trade,
)
from tradefleet_bot.core.guarding import guard
from tradefleet_bot.core.reconciling import ask, on_account_feed, on_account_state
from tradefleet_bot.core.risk.latches import Latches
from tradefleet_bot.core.routing import target_route
from tradefleet_bot.core.snapshot import snapshot
from tradefleet_bot.core.state import EngineConfig, EngineState, FeatureFactory
from tradefleet_bot.core.view import EngineView

BEAT: Final = 250_000_000


class Engine:
    """One bot's engine; feed it every event in order of arrival and carry out what it returns, in order."""

    def __init__(self, config: EngineConfig, model: Model, features: FeatureFactory) -> None:
        self.state = EngineState(config, model, features)
        self._interval = config.decision_interval
        self._decide_at: int | None = None
        self._beat_at = 0
        self._handlers: dict[type, Callable[[Any], None]] = {
            Trade: self._market,
            Quote: self._market,
            DepthSnapshot: self._market,
            DepthDelta: self._market,
            MarkPrice: self._market,
            OpenInterest: self._market,
            Liquidation: self._market,
            Timer: self._timer,
            FeedState: self._feed,
            Instrument: self._instrument,
            Directive: self._directive,
            OrderReport: self._report,
            Fill: self._fill,
            CashFlow: self._cash_flow,
            CommandFailed: self._failure,
            AccountState: self._account_state,
            AccountFeed: self._account_feed,
            LiquidationPrice: self._liquidation_price,
            Restored: self._restored,
        }

    def step(self, event: Event) -> list[Command]:
        """Take in one event; the commands that follow from it. Engine time never goes backwards."""
        state = self.state
        at = event.at
        at = max(at, state.at)
        state.at = at
        out: list[Command] = []
        state.out = out
        if self._decide_at is None:
            self._decide_at = (at // self._interval + 1) * self._interval
        elif at >= self._decide_at:
            self._decide(at // self._interval * self._interval)
        self._handlers[type(event)](event)
        if at >= self._beat_at:
            self._beat()
        return out

    def snapshot(self) -> EngineView:
        """The engine's state for `/status` and the metrics."""
        return snapshot(self.state)

    def _decide(self, decided_at: int) -> None:
        self._decide_at = decided_at + self._interval
        self._mark()
        for symbol in self.state.symbols.values():
            decide(self.state, symbol, decided_at)
        self.state.persist()

    def _beat(self) -> None:
        """Everything that happens because time passes."""
        state = self.state
        self._beat_at = state.at + BEAT
        limits = state.limits
        if limits is None:
            return
        self._mark()
        state.out.extend(state.blotter.overdue(state.at, limits.order_timeout))
        infer_missing_fills(state)
        for symbol in state.symbols.values():
            guard(state, symbol)
        ask(state)

    def _mark(self) -> None:
        """Value the accounts, roll the day over, and latch the losses that have reached their limit."""
        state, limits = self.state, self.state.limits
        for account in state.accounts.values():
            if account.mark(state.at, state.prices(account.route)):
                state.latches.new_day()
            if limits is None:
                continue
            for name, ratio, limit in (
                ("daily_loss", account.daily_loss, limits.max_daily_loss_ratio),
                ("drawdown", account.drawdown, limits.max_drawdown_ratio),
            ):
                if ratio is not None and ratio >= limit:
                    state.trip_latch(name, f"{ratio:.4f} of equity, limit {limit}")
            losses = account.consecutive_losses
            if losses >= limits.max_consecutive_losses:
                state.trip_latch("consecutive_losses", f"{losses} losses in a row")

    def _market(self, event: Any) -> None:
        symbol = self.state.symbols.get(event.symbol)
        if symbol is None:
            return
        symbol.market.update(event)
        symbol.features.update(event)
        if type(event) is Trade:
            symbol.atr.update(event.ts, event.price)

    def _timer(self, event: Timer) -> None:
        """Time is looked at in `step`."""

    def _feed(self, event: FeedState) -> None:
        symbol = self.state.symbols.get(event.symbol)
        if symbol is not None:
            symbol.market.feed(event)
            symbol.features.update(event)

    def _instrument(self, event: Instrument) -> None:
        symbol = self.state.symbols.get(event.symbol)
        if symbol is not None:
            symbol.instrument = event

    def _directive(self, event: Directive) -> None:
        state = self.state
        before, state.directive = state.directive, event
        for symbol in state.symbols.values():
            if symbol.route is None:
                symbol.route = target_route(event, symbol.symbol)
        if event.rearm and event.rearm != state.rearm:
            names = state.latches.rearm()
            for account in state.accounts.values():
                account.rearm()
            state.rejects = 0
            state.rearm = event.rearm
            state.record(
                "", "latch", "info", f"re-armed by {event.rearm!r}: {', '.join(names) or 'nothing was tripped'}"
            )
        if before is None or trading_state(before) != trading_state(event) or before.mode != event.mode:
            trading, reason = trading_state(event)
            state.record("", "state", "info", f"{trading} ({reason}), mode {event.mode}")
        self._beat()
        state.persist()

    def _report(self, event: OrderReport) -> None:
        if (limits := self.state.limits) is not None:
            on_report(self.state, event, limits)
            self._settle(event.symbol)

    def _fill(self, event: Fill) -> None:
        if (limits := self.state.limits) is not None:
            on_fill(self.state, event, limits)
            self._settle(event.symbol)
            self.state.persist()

    def _cash_flow(self, event: CashFlow) -> None:
        on_cash_flow(self.state, event)
        self.state.persist()

    def _failure(self, event: CommandFailed) -> None:
        if (limits := self.state.limits) is not None:
            on_failure(self.state, event, limits)
            self._settle(event.symbol)

    def _account_state(self, event: AccountState) -> None:
        if (limits := self.state.limits) is not None:
            on_account_state(self.state, event, limits)
            self._beat()
            self.state.persist()

    def _account_feed(self, event: AccountFeed) -> None:
        on_account_feed(self.state, event)
        if self.state.limits is not None:
            ask(self.state)

    def _liquidation_price(self, event: LiquidationPrice) -> None:
        symbol = self.state.symbols.get(event.symbol)
        account = None if symbol is None else self.state.account_of(symbol)
        if account is not None:
            account.portfolio.position(event.symbol).liquidation = event.price

    def _restored(self, event: Restored) -> None:
        self.state.carry = event.carry
        self.state.rearm = event.carry.rearm
        self.state.latches = Latches(event.carry.latches)

    def _settle(self, name: str) -> None:
        """After news of an order: bring the symbol's other orders to what its position now needs, at once."""
        symbol = self.state.symbols.get(name)
        if symbol is not None:
            guard(self.state, symbol)

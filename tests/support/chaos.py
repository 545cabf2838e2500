"""An exchange that is truthful and unreliable: it executes what reaches it, and loses, delays, repeats and reorders
words about it. It keeps the truth, so that a test can compare what the engine believes."""

from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal

from msgspec.structs import replace
from support.engine_world import RULES, SECOND, START, SYMBOL, directive, engine, quote, trade

from tradefleet_bot.core.commands import Cancel, CancelAll, Command, Place, QueryOrder, Reconcile
from tradefleet_bot.core.decision import ACTIONS, Action, Mask, PortfolioView
from tradefleet_bot.core.events import (
    AccountFeed,
    AccountPosition,
    AccountState,
    CashFlow,
    CommandFailed,
    Event,
    Fill,
    OpenOrder,
    OrderReport,
)
from tradefleet_bot.core.orders.intent import OrderIntent
from tradefleet_bot.core.portfolio import ZERO, Position

CAPITAL = Decimal(5_000)
WALLET = Decimal(10_000)
FEE = Decimal("0.0005")
Choose = Callable[[int], int]
"""A number below n, from whoever drives the world."""


@dataclass
class Truth:
    """One order as the venue has it."""

    intent: OrderIntent
    venue_id: str
    status: str = "NEW"
    filled: Decimal = ZERO
    paid: Decimal = ZERO

    @property
    def open(self) -> bool:
        return self.status in ("NEW", "PARTIALLY_FILLED", "TRIGGERED")

    def report(self, at: int) -> OrderReport:
        average = self.paid / self.filled if self.filled else None
        i = self.intent
        return OrderReport(at, at, i.symbol, i.client_id, self.status, self.venue_id, self.filled, average)  # type: ignore[arg-type]  # a test's venue: any status text


@dataclass
class World:
    """The venue, the words on their way, and the engine that hears them."""

    choose: Choose
    faults: bool = True
    at: int = START
    price: float = 60_000.0
    wallet: Decimal = WALLET
    position: Position = field(default_factory=Position)
    orders: dict[str, Truth] = field(default_factory=dict)
    words: list[Event] = field(default_factory=list)
    late: list[tuple[int, OrderIntent]] = field(default_factory=list)
    """Orders that will still reach the venue, within its receive window."""
    history: list[Event] = field(default_factory=list)
    issued: list[Command] = field(default_factory=list)
    next_action: Action = "HOLD"
    decided: list[Action] = field(default_factory=list)
    number: int = 0
    sent: int = 0
    baseline: Decimal | None = None
    """The wallet as the engine first read it: what came before is not its own."""
    halted: bool = False
    by_hand: bool = False
    """A person has traded on the account: what the bot was not told of is not its fault."""
    unprotected_since: int | None = None

    def __post_init__(self) -> None:
        self.engine = engine(self._script)
        self.timeout = 0
        self.tell(RULES)
        self.obey()
        self.tell(AccountFeed(self.at, "live", True))
        for n in range(40):
            self.tick(60_000.0 + 40 * (n % 5))

    def _script(self, _n: int, mask: Mask, _view: PortfolioView) -> Action:
        action = self.next_action if mask[ACTIONS.index(self.next_action)] else "HOLD"
        self.decided.append(action)
        return action

    # what the drivers do

    def obey(self, **changes: object) -> None:
        """Orders from above."""
        order = directive(self.at, "live", capital_quote=CAPITAL, **changes)
        self.timeout = order.limits.stop_confirm_timeout
        self.limit = order.limits.max_position_ratio * CAPITAL
        self.halted = order.trading_state != "Running" or not order.fresh or order.halt is not None
        self.tell(order)

    def tick(self, price: float, step: int = SECOND // 4) -> None:
        """The market moves and time passes."""
        self.at += step
        self.price = price
        for due, intent in list(self.late):
            if due <= self.at:
                self.late.remove((due, intent))
                self._accept(intent)
        self._triggers()
        self.tell(quote(self.at, price))
        self.tell(trade(self.at, price))
        if not self.faults:
            self.deliver_all()

    def deliver(self, index: int, *, repeat: bool) -> None:
        """One word of those on their way arrives, the others stay. Only the venue repeats itself; replies come once."""
        if self.words:
            n = index % len(self.words)
            word = self.words[n]
            said_by_venue = isinstance(word, Fill | CashFlow) or (
                isinstance(word, OrderReport) and word.status != "NOT_FOUND"
            )
            self.tell(word if repeat and said_by_venue else self.words.pop(n))

    def drop(self, index: int) -> None:
        """A word about an execution is lost for good."""
        fills = [n for n, word in enumerate(self.words) if isinstance(word, Fill | OrderReport)]
        if fills:
            self.words.pop(fills[index % len(fills)])

    def deliver_all(self) -> None:
        """Everything on its way arrives, in order, and what it causes, too."""
        while self.words:
            self.tell(self.words.pop(0))

    def manual_trade(self, quantity: Decimal) -> None:
        """A person trades on the same account."""
        self.by_hand = True
        self._execute(f"manual-{self.number}", quantity, None)

    def fund(self, amount: Decimal) -> None:
        """Funding is paid or received."""
        self.wallet += amount
        self.number += 1
        self.words.append(CashFlow(self.at, self.at, "funding", SYMBOL, amount, f"f{self.number}"))

    def calm(self, seconds: int = 200) -> None:
        """No more faults, time passes: everything must come to rest."""
        self.faults = False
        self.next_action = "HOLD"
        self.deliver_all()
        for _ in range(seconds):
            self.tick(self.price, SECOND)

    def tell(self, event: Event) -> None:
        """The engine hears an event; the venue gets its commands at once."""
        event = replace(event, at=self.at)
        self.history.append(event)
        if isinstance(event, AccountState) and self.baseline is None:
            self.baseline = event.wallet_quote
        for command in self.engine.step(event):
            self.issued.append(command)
            self._receive(command)
        self.check()

    # the venue

    def _receive(self, command: Command) -> None:
        self.sent = command.at
        fate = self.choose(14) if self.faults else 0
        if isinstance(command, Place):
            self._place(command.order.value, fate)
        elif isinstance(command, Cancel):
            self._cancel(command.client_id, fate)
        elif isinstance(command, CancelAll):
            for order in self.orders.values():
                self._end(order, "CANCELED")
        elif isinstance(command, QueryOrder):
            known = self.orders.get(command.client_id)
            if fate == 1:
                self._fail("query", "unknown", command.client_id)
            elif known is None:
                self.words.append(OrderReport(self.at, self.at, SYMBOL, command.client_id, "NOT_FOUND"))
            else:
                self.words.append(known.report(self.at))
        elif isinstance(command, Reconcile):
            if fate == 1:
                self._fail("reconcile", "unknown", "")
            else:
                self.words.append(self._state(command.at))

    def _place(self, intent: OrderIntent, fate: int) -> None:
        if intent.leg == "entry":
            assert not self.halted, "new risk while halted"
            assert intent.price is not None
            ahead = sum((late.quantity for _, late in self.late if late.leg == "entry"), ZERO)
            worst = abs(self.position.quantity) + ahead + intent.quantity
            assert self.by_hand or worst * intent.price <= self.limit, "the largest position is exceeded"
        if fate == 1:  # the reply is lost
            self._accept(intent)
            self._fail("place", "unknown", intent.client_id)
        elif fate == 2:  # the request is lost
            self._fail("place", "unknown", intent.client_id)
        elif fate == 3:  # the request is held up, the client gives up
            self.late.append((self.at + self.choose(5 * SECOND), intent))
            self._fail("place", "unknown", intent.client_id)
        elif fate == 4:
            self._fail("place", "retry", intent.client_id)
        elif fate == 5 and intent.leg != "exit":
            self._fail("place", "stop", intent.client_id)
        else:
            self._accept(intent)

    def _accept(self, intent: OrderIntent) -> None:
        known = self.orders.get(intent.client_id)
        if known is not None and known.open:
            self._fail("place", "stop", intent.client_id)
            return
        if known is not None:
            raise AssertionError(f"{intent.client_id} was sent again after it had reached the venue and ended")
        self.number += 1
        order = self.orders[intent.client_id] = Truth(intent, f"v{self.number}")
        if intent.close_position and not self._reducible(intent):
            order.status = "REJECTED"
        self.words.append(order.report(self.at))
        if intent.conditional or not order.open:
            return
        quantity = min(intent.quantity, self._reducible(intent)) if intent.reduce_only else intent.quantity
        quantity *= self.choose(3) if self.faults else 2
        quantity = (quantity / 2).quantize(Decimal("0.001"))
        if quantity:
            self._execute(intent.client_id, quantity if intent.side == "BUY" else -quantity, order)
        if order.open:
            self._end(order, "EXPIRED")

    def _cancel(self, client_id: str, fate: int) -> None:
        order = self.orders.get(client_id)
        if fate == 1:
            self._fail("cancel", "unknown", client_id)
        elif fate == 4:
            self._fail("cancel", "retry", client_id)
        elif order is None or not order.open or order.status == "TRIGGERED":
            self._fail("cancel", "stop", client_id)
        else:
            self._end(order, "CANCELED")
            if fate == 2:
                self._fail("cancel", "unknown", client_id)

    def _triggers(self) -> None:
        price = Decimal(repr(self.price))
        for order in list(self.orders.values()):
            intent = order.intent
            if not order.open or intent.trigger is None:
                continue
            falls = (intent.side == "SELL") == (intent.kind == "STOP_MARKET")
            if price > intent.trigger if falls else price < intent.trigger:
                continue
            quantity = self._reducible(intent)
            if quantity:
                order.status = "TRIGGERED"
                self.words.append(order.report(self.at))
                order.intent = replace(intent, quantity=quantity)
                self._execute(intent.client_id, quantity if intent.side == "BUY" else -quantity, order)
            else:
                self._end(order, "EXPIRED")

    def _execute(self, client_id: str, signed: Decimal, order: Truth | None) -> None:
        price = Decimal(repr(self.price))
        quantity, fee = abs(signed), abs(signed) * price * FEE
        realized = self.position.execute(signed, price)
        self.wallet += realized - fee
        self.number += 1
        if order is not None:
            order.filled += quantity
            order.paid += quantity * price
            order.status = "FILLED" if order.filled >= order.intent.quantity else "PARTIALLY_FILLED"
            self.words.append(order.report(self.at))
        side = "BUY" if signed > 0 else "SELL"
        self.words.append(
            Fill(self.at, self.at, SYMBOL, client_id, f"t{self.number}", side, price, quantity, fee, False, realized)
        )

    def _end(self, order: Truth, status: str) -> None:
        if order.open:
            order.status = status
            self.words.append(order.report(self.at))

    def _reducible(self, intent: OrderIntent) -> Decimal:
        held = self.position.quantity
        return max(held if intent.side == "SELL" else -held, ZERO)

    def _fail(self, command: str, family: str, client_id: str) -> None:
        self.words.append(CommandFailed(self.at, command, family, "chaos", SYMBOL, client_id, sent=self.sent))  # type: ignore[arg-type]  # literals by construction

    def _state(self, requested: int) -> AccountState:
        held = self.position
        positions = (AccountPosition(SYMBOL, held.quantity, held.entry),) if held.quantity else ()
        orders = tuple(
            OpenOrder(
                SYMBOL,
                order.intent.client_id,
                order.intent.side,
                order.intent.kind,
                order.intent.quantity,
                order.filled,
                order.intent.price,
                order.intent.trigger,
                order.intent.reduce_only,
                order.intent.close_position,
                order.venue_id,
            )
            for order in self.orders.values()
            if order.open
        )
        return AccountState(self.at, self.at, "live", self.wallet, positions, orders, requested)

    # what must always hold

    def check(self) -> None:
        """The invariants that hold after every event."""
        state = self.engine.state
        believed = state.account("live").portfolio.position(SYMBOL).quantity
        symbol = state.symbols[SYMBOL]
        orders = list(state.blotter.orders(SYMBOL))
        guarded = any(o.intent.leg == "stop" and o.confirmed and believed for o in orders)
        if not believed or guarded or not state.account("live").adopted:
            self.unprotected_since = None
        elif self.unprotected_since is None:
            self.unprotected_since = self.at
        elif self.at - self.unprotected_since > self.timeout + SECOND:
            assert symbol.exiting is not None, "a position without a stop is not being closed"

    def check_commands(self) -> None:
        """The invariants over everything the engine sent."""
        sent: dict[str, OrderIntent] = {}
        for command in self.issued:
            if isinstance(command, Place):
                intent = command.order.value
                before = sent.setdefault(intent.client_id, intent)
                assert before == intent, "one client id, two orders"
                assert intent.price is not None or intent.close_position, "a naked market order"

"""Compare what the bot counts with what the venue says; on doubt ask again, on a lasting difference stop taking risk.

A snapshot and the stream of fills race, so symbols whose orders are on the move are not judged. A difference that
three snapshots in a row confirm is put in words, latched, and the venue's numbers are taken over: what can be closed
is what is really there.
"""

from decimal import Decimal
from typing import Final

from tradefleet_bot.core.account import Account
from tradefleet_bot.core.accounting import catch_up
from tradefleet_bot.core.commands import Cancel, Reconcile
from tradefleet_bot.core.events import AccountFeed, AccountState, OpenOrder
from tradefleet_bot.core.limits import Limits
from tradefleet_bot.core.orders.blotter import RECEIVE_WINDOW, Order
from tradefleet_bot.core.orders.ids import leg_of
from tradefleet_bot.core.orders.intent import OrderIntent
from tradefleet_bot.core.portfolio import ZERO
from tradefleet_bot.core.state import EngineState, SymbolState, Trip

SECOND: Final = 1_000_000_000
EVERY: Final = 60 * SECOND
ANSWER_WITHIN: Final = 10 * SECOND
CONFIRMATIONS: Final = 3
PATIENCE: Final = 10
"""Differences in a row that may be put down to orders on the move."""
QUIET: Final = 2 * SECOND
"""A symbol that traded within this time is not judged."""
LEAST_WALLET: Final = Decimal(100)


def ask(state: EngineState) -> None:
    """Ask for the AccountState of every route in use that is due."""
    for route in dict.fromkeys(symbol.route for symbol in state.symbols.values()):
        if route is None:
            continue
        account = state.account(route)
        waiting = account.requested_at is not None and state.at - account.requested_at < ANSWER_WITHIN
        if state.at >= account.reconcile_at and not waiting:
            account.requested_at, account.reconcile_at = state.at, state.at + EVERY
            reason = "start" if not account.adopted else account.mismatch or "periodic"
            state.out.append(Reconcile(state.at, route, reason))


def on_account_feed(state: EngineState, event: AccountFeed) -> None:
    """The stream of fills went down (nothing new is risked) or came back (what was missed is looked up at once)."""
    account = state.account(event.route)
    account.stream_up = event.up
    if event.up:
        account.requested_at, account.reconcile_at = None, state.at


def on_account_state(state: EngineState, event: AccountState, limits: Limits) -> None:
    """Adopt the first snapshot of a route; compare each later one."""
    account = state.account(event.route)
    account.requested_at = None
    mine = _own(state, event)
    _orders(state, event, limits)
    if not account.adopted:
        account.portfolio.adopt(mine)
        account.adopted, account.mismatch, account.mismatches = True, None, 0
        state.record("", "reconcile", "info", _summary(mine))
        for position in mine.positions:
            if position.quantity:
                state.symbols[position.symbol].trip = Trip(state.at)
        catch_up(state, account, event.ts, limits)
        return
    moving = _moving(state, event)
    differences = account.portfolio.differences(mine)
    account.unsettled = account.unsettled + 1 if differences else 0
    patient = account.unsettled <= PATIENCE
    settled = [text for text in differences if not (patient and text.partition(":")[0] in moving)]
    if settled:
        _mismatch(state, account, mine, "; ".join(settled))
    elif differences:
        account.reconcile_at = state.at + SECOND
    else:
        _agree(state, account, mine, at_rest=not moving)


def _mismatch(state: EngineState, account: Account, event: AccountState, text: str) -> None:
    account.mismatch = text
    account.mismatches += 1
    account.reconcile_at = state.at + SECOND
    state.record("", "reconcile", "warning", f"{text} (seen {account.mismatches} times)")
    if account.mismatches >= CONFIRMATIONS:
        state.trip_latch("reconciliation", text)
        account.portfolio.adopt(event)
        account.mismatch, account.mismatches = None, 0


def _agree(state: EngineState, account: Account, event: AccountState, *, at_rest: bool) -> None:
    counted = account.portfolio.wallet
    difference = account.portfolio.correct(event.wallet_quote) if at_rest else ZERO
    if abs(difference) * 10_000 > max(abs(event.wallet_quote), LEAST_WALLET):
        text = f"the wallet is {event.wallet_quote}, the bot counted {counted}: taken over"
        state.record("", "reconcile", "warning", text)
    if account.mismatch is not None:
        state.record("", "reconcile", "info", "the venue and the bot agree again")
    account.mismatch, account.mismatches = None, 0
    for theirs in event.positions:
        account.portfolio.position(theirs.symbol).liquidation = theirs.liquidation_price


def _orders(state: EngineState, event: AccountState, limits: Limits) -> None:
    listed = {order.client_id: order for order in event.orders}
    for order in state.blotter.orders():
        known = listed.get(order.intent.client_id)
        if order.route != event.route or not order.open:
            continue
        if known is not None:
            if order.state == "UNKNOWN":
                state.blotter.apply(order, "NEW", state.at, limits.order_timeout)
        elif event.requested > order.sent_at + RECEIVE_WINDOW:
            state.blotter.apply(order, "NO_REPLY", state.at, limits.order_timeout)  # ended, or never arrived: ask
    for theirs in event.orders:
        symbol = state.symbols.get(theirs.symbol)
        if symbol is None or symbol.route != event.route:
            continue
        ours = state.blotter.get(theirs.client_id)
        if ours is None:
            _adopt_order(state, symbol, theirs, limits)
        elif ours.state == "ABSENT":
            state.blotter.apply(ours, "NEW", state.at, limits.order_timeout)  # it arrived after all
        elif not ours.open and event.requested > ours.sent_at + RECEIVE_WINDOW:
            # Either the snapshot is older than the news of its end, and this does nothing, or it is an orphan.
            conditional = theirs.kind != "LIMIT"
            state.out.append(Cancel(state.at, event.route, theirs.symbol, theirs.client_id, conditional))


def _adopt_order(state: EngineState, symbol: SymbolState, theirs: OpenOrder, limits: Limits) -> None:
    """One of our own from before a restart: protective orders are kept, others cancelled; foreign ones are left."""
    leg = leg_of(theirs.client_id, symbol.owner)
    if leg is None or symbol.route is None or theirs.kind == "OTHER":
        state.record(symbol.symbol, "reconcile", "warning", f"a foreign order is open: {theirs.client_id!r}")
        return
    intent = OrderIntent(
        client_id=theirs.client_id,
        symbol=theirs.symbol,
        side=theirs.side,
        leg=leg,
        kind=theirs.kind,
        quantity=theirs.quantity,
        price=theirs.price,
        trigger=theirs.trigger,
        reduce_only=theirs.reduce_only,
        close_position=theirs.close_position,
    )
    order = Order(intent, symbol.route, state.at, state="WORKING", venue_id=theirs.venue_id)
    order.booked = order.by_trades = order.reported = theirs.filled
    state.blotter.add(order)
    state.record(symbol.symbol, "reconcile", "info", f"adopted the open {leg} order", theirs.client_id)
    if leg in ("entry", "exit"):
        state.blotter.apply(order, "CANCEL_SENT", state.at, limits.order_timeout)
        state.out.append(Cancel(state.at, symbol.route, symbol.symbol, theirs.client_id, conditional=False))


def _own(state: EngineState, event: AccountState) -> AccountState:
    """The snapshot without symbols that this bot does not trade on this route."""
    mine = tuple(
        position
        for position in event.positions
        if position.symbol in state.symbols and state.symbols[position.symbol].route == event.route
    )
    return AccountState(event.at, event.ts, event.route, event.wallet_quote, mine, event.orders, event.requested)


def _moving(state: EngineState, event: AccountState) -> set[str]:
    """Symbols whose position may differ because something is under way."""
    since = (event.requested or event.at) - QUIET
    moving = {symbol.symbol for symbol in state.symbols.values() if symbol.filled_at >= since}
    for order in state.blotter.orders():
        resting = order.state == "WORKING" and order.intent.conditional and order.gap_at is None
        if not resting and order.state != "ABSENT":
            moving.add(order.intent.symbol)
    return moving


def _summary(event: AccountState) -> str:
    held = ", ".join(f"{position.quantity} {position.symbol}" for position in event.positions if position.quantity)
    return f"{event.route}: wallet {event.wallet_quote}, {held or 'flat'}, {len(event.orders)} open orders"

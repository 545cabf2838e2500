"""Take in what the venue says about orders, executions and money; each execution moves the position exactly once."""

from decimal import Decimal
from typing import Final

from tradefleet_bot.core.account import Account
from tradefleet_bot.core.events import CashFlow, CommandFailed, Fill, OrderReport
from tradefleet_bot.core.guarding import exit_now
from tradefleet_bot.core.limits import Limits
from tradefleet_bot.core.orders.blotter import Order
from tradefleet_bot.core.portfolio import ZERO
from tradefleet_bot.core.state import EngineState, SymbolState

GAP_WAIT: Final = 2_000_000_000
"""How long (ns) the fills of a reported quantity may take before they are inferred from the report."""
INFERRED_FEE: Final = Decimal("0.0005")
"""Taker fee assumed for an inferred fill; the next AccountState corrects the wallet."""
MAX_REJECTS: Final = 3
"""Entries rejected in a row before a person must look."""
RETRY_PAUSE: Final = 500_000_000


def on_report(state: EngineState, event: OrderReport, limits: Limits) -> None:
    """An order's status."""
    order = state.blotter.get(event.client_id)
    if order is None:
        return
    state.blotter.report(order, event, limits.order_timeout)
    _after(state, order, event.reason)


def on_failure(state: EngineState, event: CommandFailed, limits: Limits) -> None:
    """A command without a report: what it means depends on whether it may have had an effect."""
    state.errors += 1
    state.record(event.symbol, "fault", "warning", f"{event.command} {event.family}: {event.reason}", event.client_id)
    if event.command == "reconcile":
        account = state.account(event.route)
        account.requested_at, account.reconcile_at = None, state.at + max(event.retry_after, 2 * RETRY_PAUSE)
    order = state.blotter.get(event.client_id)
    if order is None or event.command not in ("place", "cancel"):
        return
    if event.command == "place" and 0 < event.sent < order.sent_at:
        return  # about an earlier attempt
    if event.family == "retry":
        order.again_at = state.at + max(event.retry_after, RETRY_PAUSE)
        state.blotter.apply(order, "NOT_SENT", state.at, limits.order_timeout)
    elif event.family == "stop":
        state.blotter.apply(order, "REFUSED", state.at, limits.order_timeout)
    else:
        state.blotter.apply(order, "NO_REPLY", state.at, limits.order_timeout)
    _after(state, order, event.reason)


def on_fill(state: EngineState, event: Fill, limits: Limits) -> None:
    """An execution, ours or anybody's on the account."""
    symbol = state.symbols.get(event.symbol)
    account = None if symbol is None else state.account_of(symbol)
    if symbol is None or account is None or account.portfolio.seen(f"{event.symbol}/{event.trade_id}"):
        return
    if not account.adopted:
        account.early.append(event)
        return
    _apply_fill(state, symbol, account, event, limits)


def catch_up(state: EngineState, account: Account, since: int, limits: Limits) -> None:
    """After the first snapshot (venue time `since`): book what arrived before it and is younger."""
    early, account.early = account.early, []
    for event in early:
        symbol = state.symbols.get(event.symbol)
        if event.ts <= since:
            continue
        if isinstance(event, CashFlow):
            account.pay(event)
        elif symbol is not None:
            _apply_fill(state, symbol, account, event, limits)


def _apply_fill(state: EngineState, symbol: SymbolState, account: Account, event: Fill, limits: Limits) -> None:
    state.fills += 1
    order = state.blotter.get(event.client_id)
    if order is None:
        state.record(event.symbol, "fill", "warning", f"an execution of a foreign order {event.client_id!r}")
        _book(state, symbol, account, event)
        return
    order.by_trades += event.quantity
    owed = order.by_trades - order.booked
    if owed <= 0:
        return  # inferred before
    _book_order(state, symbol, account, order, _part(event, min(owed, event.quantity)))
    closes = order.intent.close_position or order.booked < order.intent.quantity
    state.blotter.apply(order, "PARTIALLY_FILLED" if closes else "FILLED", state.at, limits.order_timeout)
    _contradictions(state)
    if order.booked >= order.reported:
        order.gap_at = None


def on_cash_flow(state: EngineState, event: CashFlow) -> None:
    """Funding goes with the position that paid it; a transfer moves the references of losses too."""
    symbol = state.symbols.get(event.symbol)
    account = state.account_of(symbol) if symbol is not None else state.accounts.get("live")
    if account is None or account.portfolio.seen(f"flow/{event.flow_id}"):
        return
    if account.adopted:
        account.pay(event)
    else:
        account.early.append(event)


def _contradictions(state: EngineState) -> None:
    """What the venue said against its own earlier word takes no new risk until a person has looked."""
    for text in state.blotter.contradictions:
        state.errors += 1
        state.trip_latch("order_contradiction", text)
    state.blotter.contradictions.clear()


def infer_missing_fills(state: EngineState) -> None:
    """Book what the venue reported as filled and whose executions never came."""
    for order in state.blotter.orders():
        if order.gap_at is None or state.at - order.gap_at < GAP_WAIT:
            continue
        order.gap_at = None
        quantity = order.reported - order.booked
        symbol = state.symbols.get(order.intent.symbol)
        account = None if symbol is None else state.account_of(symbol)
        if quantity <= 0 or symbol is None or account is None:
            continue
        price = _inferred_price(symbol, order, quantity)
        state.record(order.intent.symbol, "fill", "warning", f"inferred {quantity} at {price} from the order's report")
        intent = order.intent
        fill = Fill(
            at=state.at,
            ts=state.at,
            symbol=intent.symbol,
            client_id=intent.client_id,
            trade_id=f"inferred-{intent.client_id}-{order.reported}",
            side=intent.side,
            price=price,
            quantity=quantity,
            fee_quote=price * quantity * INFERRED_FEE,
            maker=False,
        )
        _book_order(state, symbol, account, order, fill)


def _book_order(state: EngineState, symbol: SymbolState, account: Account, order: Order, fill: Fill) -> None:
    if order.intent.leg == "entry" and not order.booked:
        account.trades_today += 1
        symbol.holding = 0
    order.booked += fill.quantity
    order.booked_quote += fill.quantity * fill.price
    _book(state, symbol, account, fill)


def _book(state: EngineState, symbol: SymbolState, account: Account, fill: Fill) -> None:
    position = account.portfolio.position(symbol.symbol)
    account.portfolio.execute(fill)
    symbol.filled_at = state.at
    if not position.quantity:
        account.closed(position.trip)
        state.record(symbol.symbol, "fill", "info", f"flat again, {position.trip:+f} after fees and funding")
        position.trip, symbol.trip = ZERO, None


def _part(fill: Fill, quantity: Decimal) -> Fill:
    """The part of an execution that was not inferred before; its fee is paid in full."""
    if quantity == fill.quantity:
        return fill
    return Fill(
        fill.at,
        fill.ts,
        fill.symbol,
        fill.client_id,
        fill.trade_id,
        fill.side,
        fill.price,
        quantity,
        fill.fee_quote,
        fill.maker,
    )


def _inferred_price(symbol: SymbolState, order: Order, quantity: Decimal) -> Decimal:
    """From the average price where the venue gave one, else the order's own price, else the market."""
    if order.average_price is not None:
        price = (order.average_price * order.reported - order.booked_quote) / quantity
        if price > 0:
            return price
    return order.intent.price or order.intent.trigger or symbol.market.value or ZERO


def _after(state: EngineState, order: Order, reason: str) -> None:
    """Consequences of where an order now stands."""
    _contradictions(state)
    intent = order.intent
    symbol = state.symbols.get(intent.symbol)
    if symbol is None:
        return
    if order.state == "REJECTED" and not order.dropped:
        order.dropped = True
        state.record(
            intent.symbol, "order", "warning", f"{intent.leg} rejected: {reason or 'no reason'}", intent.client_id
        )
        if intent.leg in ("stop", "exit"):
            state.account(order.route).reconcile_at = state.at  # is the position what we think it is?
        if intent.leg == "stop":
            exit_now(state, symbol, f"the stop was rejected: {reason or 'no reason'}")
        elif intent.leg == "take_profit" and symbol.trip is not None:
            symbol.trip.target_refused = True
        elif intent.leg == "entry":
            state.rejects += 1
            if state.rejects >= MAX_REJECTS:
                state.trip_latch(
                    "repeated_rejects", f"{state.rejects} entries rejected in a row: {reason}", intent.symbol
                )
    elif intent.leg == "entry" and order.booked:
        state.rejects = 0

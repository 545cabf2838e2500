"""From a wish to a command: gather the context, ask risk, note the order, and say so either way."""

from decimal import Decimal
from typing import Final

from tradefleet_bot.core.account import Account
from tradefleet_bot.core.commands import Cancel, Place
from tradefleet_bot.core.directive import trading_state
from tradefleet_bot.core.limits import Limits
from tradefleet_bot.core.orders.blotter import Order
from tradefleet_bot.core.orders.intent import OrderIntent
from tradefleet_bot.core.orders.rounding import exact
from tradefleet_bot.core.portfolio import ZERO
from tradefleet_bot.core.risk.context import Context
from tradefleet_bot.core.risk.pipeline import approve
from tradefleet_bot.core.risk.verdict import Approved, Refused
from tradefleet_bot.core.routing import target_route
from tradefleet_bot.core.state import MINUTE, EngineState, SymbolState

ENTRY_DEADLINE: Final = 2_000_000_000
"""An entry decided longer ago than this (ns) is not sent any more."""


def context(state: EngineState, symbol: SymbolState, limits: Limits) -> Context:
    """What the checks may look at, now."""
    account = state.account_of(symbol)
    directive = state.directive
    trading, reason = trading_state(directive)
    bid, ask, mark = symbol.market.prices
    atr = symbol.atr.get()
    position = None if account is None else account.portfolio.position(symbol.symbol)
    orders = tuple(state.blotter.orders(symbol.symbol))
    in_flight = sum((order.remaining for order in orders if order.intent.leg == "entry"), ZERO)
    equity = None if account is None else account.portfolio.equity(state.prices(account.route))
    capital = None if directive is None else directive.capital_quote
    wrong = None
    if directive is not None and directive.model_digest not in (None, state.model.digest):
        wrong = f"the mandate names bundle {directive.model_digest}, loaded is {state.model.digest}"
    while state.sends and state.sends[0] <= state.at - MINUTE:
        state.sends.popleft()
    return Context(
        at=state.at,
        limits=limits,
        state=trading,
        state_reason=reason,
        fresh=directive is not None and directive.fresh,
        wrong_model=wrong,
        quorum_lost=any(other.quorum_lost for other in state.symbols.values()),
        latch=state.latches.first,
        feed_fault=symbol.market.fault(state.at, limits.stale_after, symbol.streams),
        account_fault=_account_fault(state, account),
        busy=_busy(state, symbol, orders, flat=position is None or not position.quantity),
        instrument=symbol.instrument,
        bid=bid,
        ask=ask,
        mark=mark,
        atr=None if atr is None else exact(atr),
        position=ZERO if position is None else position.quantity,
        entry=ZERO if position is None else position.entry,
        stop=confirmed_stop(orders),
        in_flight=in_flight,
        gross_others=ZERO if account is None else _gross_others(state, symbol, account),
        equity=equity,
        basis=None if equity is None or capital is None else min(equity, capital),
        liquidation=None if position is None else position.liquidation,
        day_start_equity=None if account is None else account.day_start_equity,
        high_water=None if account is None else account.high_water,
        trades_today=0 if account is None else account.trades_today + _entries_in_flight(state, account),
        consecutive_losses=0 if account is None else account.consecutive_losses,
        orders_last_minute=len(state.sends),
    )


def send(state: EngineState, symbol: SymbolState, verdict: Approved[OrderIntent], limits: Limits) -> None:
    """Place an approved order and keep it in the blotter."""
    intent = verdict.value
    if symbol.route is None:
        raise RuntimeError("an order was approved before any directive: the pipeline must not allow that")
    state.blotter.add(Order(intent, symbol.route, state.at, asked_at=state.at + limits.order_timeout))
    _place(state, symbol, verdict, limits)


def send_again(state: EngineState, symbol: SymbolState, order: Order, limits: Limits) -> None:
    """The same order under the same client id, because the venue said that it does not exist."""
    verdict = approve(order.intent, context(state, symbol, limits))
    if isinstance(verdict, Refused):
        order.dropped = True
        refuse(state, symbol, verdict, order.intent)
        return
    state.blotter.send_again(order, state.at, limits.order_timeout)
    state.record(symbol.symbol, "order", "info", "sent again under the same id", order.intent.client_id)
    _place(state, symbol, verdict, limits)


def ask_and_send(state: EngineState, symbol: SymbolState, intent: OrderIntent, limits: Limits) -> Refused | None:
    """Pass an intent through risk and place it; the refusal otherwise, counted and recorded."""
    verdict = approve(intent, context(state, symbol, limits))
    if isinstance(verdict, Refused):
        refuse(state, symbol, verdict, intent)
        return verdict
    send(state, symbol, verdict, limits)
    return None


def refuse(state: EngineState, symbol: SymbolState, refused: Refused, intent: OrderIntent) -> None:
    """Count a refusal and say it."""
    state.refusals[refused.check] = state.refusals.get(refused.check, 0) + 1
    state.record(symbol.symbol, "order", "refused", f"{intent.leg}: {refused.reason}", intent.client_id)


def cancel(state: EngineState, order: Order, limits: Limits) -> None:
    """Ask the venue to cancel; the order counts until the venue has said that it is gone."""
    intent = order.intent
    state.blotter.apply(order, "CANCEL_SENT", state.at, limits.order_timeout)
    state.out.append(Cancel(state.at, order.route, intent.symbol, intent.client_id, intent.conditional))


def confirmed_stop(orders: tuple[Order, ...]) -> Decimal | None:
    """Trigger of the stop that the venue has confirmed."""
    return next((order.intent.trigger for order in orders if order.intent.leg == "stop" and order.confirmed), None)


def _place(state: EngineState, symbol: SymbolState, verdict: Approved[OrderIntent], limits: Limits) -> None:
    wait = limits.order_timeout if verdict.value.reduce_only or verdict.value.close_position else ENTRY_DEADLINE
    if symbol.route is not None:
        state.out.append(Place(state.at, symbol.route, verdict, state.at + wait))
    state.sends.append(state.at)
    state.orders_sent += 1


def _account_fault(state: EngineState, account: Account | None) -> str | None:
    if account is None:
        return "no route yet"
    if account.fault is not None:
        return account.fault
    for order in state.blotter.orders():
        if order.route == account.route and order.state == "UNKNOWN":
            return f"the fate of order {order.intent.client_id} is unknown"
    return None


def _busy(state: EngineState, symbol: SymbolState, orders: tuple[Order, ...], *, flat: bool) -> str | None:
    if symbol.route != target_route(state.directive, symbol.symbol):
        return "the mode is changing"
    if symbol.exiting is not None:
        return f"closing the position: {symbol.exiting}"
    for order in orders:
        if flat or order.intent.leg in ("entry", "exit"):
            return f"order {order.intent.client_id} is still {order.state}"
    return None


def _gross_others(state: EngineState, symbol: SymbolState, account: Account) -> Decimal:
    gross = ZERO
    for name, other in state.symbols.items():
        if other is symbol or other.route != account.route:
            continue
        price = other.market.value or account.portfolio.position(name).entry
        gross += abs(account.portfolio.position(name).quantity) * price
        for order in state.blotter.orders(name):
            if order.intent.leg == "entry":
                gross += order.remaining * (order.intent.price or price)
    return gross


def _entries_in_flight(state: EngineState, account: Account) -> int:
    return sum(
        1
        for order in state.blotter.orders()
        if order.route == account.route and order.intent.leg == "entry" and order.open and not order.booked
    )

"""Carry out the protection plan of one symbol: stop, take-profit, exit, clean-up; and decide when to give up and close.

A position is never left without a confirmed stop for longer than `stop_confirm_timeout`: then it is closed with
reduce-only orders that have a limit price, repeated until it is flat.
"""

from decimal import Decimal
from typing import Final

from tradefleet_bot.core.commands import CancelAll, Outcome, SetLeverage
from tradefleet_bot.core.directive import trading_state
from tradefleet_bot.core.events import Side
from tradefleet_bot.core.limits import Limits
from tradefleet_bot.core.orders.intent import Leg, OrderIntent
from tradefleet_bot.core.orders.rounding import ceil_to, floor_to
from tradefleet_bot.core.portfolio import Position
from tradefleet_bot.core.protect import MAX_SENDS, Exposure, Want, plan, protected
from tradefleet_bot.core.risk.checks import REDUCING_COLLAR
from tradefleet_bot.core.risk.sizing import stop_distance
from tradefleet_bot.core.routing import target_route
from tradefleet_bot.core.sending import ask_and_send, cancel, context, send_again
from tradefleet_bot.core.state import EngineState, SymbolState, Trip

EXIT_PAUSE: Final = 500_000_000
"""Between two exit orders of one position, ns."""
EXIT_REACH: Final = Decimal("0.04")
"""An exit's limit is at most this far from the best price: inside the reducing collar measured from the mid."""
WIDEST_STOP: Final = Decimal("0.2")


def guard(state: EngineState, symbol: SymbolState) -> None:
    """Bring the orders of one symbol to what its position needs."""
    account, limits = state.account_of(symbol), state.limits
    if account is None or limits is None or not account.adopted:
        return
    position = account.portfolio.position(symbol.symbol)
    if not position.quantity and _at_rest(symbol) and not any(state.blotter.orders(symbol.symbol)):
        _settle(state, symbol, limits)
        return
    _reasons_to_exit(state, symbol, position, limits)
    exposure = _exposure(state, symbol, position)
    _watch_stop(state, symbol, exposure, limits)
    if symbol.exiting is not None and not exposure.exiting:
        exposure = _exposure(state, symbol, position)
    for want in plan(exposure):
        _act(state, symbol, position, want, limits)
    if symbol.exiting is not None and not exposure.exiting:  # a step gave the reason
        for want in plan(_exposure(state, symbol, position)):
            _act(state, symbol, position, want, limits)
    if not position.quantity:
        symbol.exiting = None
        _settle(state, symbol, limits)


def exit_now(state: EngineState, symbol: SymbolState, reason: str, *, outcome: Outcome = "warning") -> None:
    """From now on the position is being closed, until it is flat."""
    if symbol.exiting is None:
        symbol.exiting = reason
        symbol.exit_at = state.at
        state.record(symbol.symbol, "protection", outcome, f"closing the position: {reason}")


def exit_price(symbol: SymbolState, position: Decimal, limits: Limits) -> Decimal | None:
    """Limit of a reducing order: through the best price by the collar, so that it trades at once; None without data."""
    bid, ask, _ = symbol.market.prices
    if symbol.instrument is None or bid is None or ask is None:
        return None
    reach = min(limits.price_collar_ratio, EXIT_REACH, REDUCING_COLLAR)
    if position > 0:
        return ceil_to(bid * (1 - reach), symbol.instrument.tick)
    return floor_to(ask * (1 + reach), symbol.instrument.tick)


def against(position: Decimal) -> Side:
    """The side that reduces."""
    return "SELL" if position > 0 else "BUY"


def _at_rest(symbol: SymbolState) -> bool:
    return symbol.exiting is None and symbol.unprotected_since is None


def _exposure(state: EngineState, symbol: SymbolState, position: Position) -> Exposure:
    trading, _ = trading_state(state.directive)
    halted = state.directive is not None and state.directive.halt == "Cancel"
    return Exposure(
        at=state.at,
        position=position.quantity,
        orders=tuple(state.blotter.orders(symbol.symbol)),
        new_risk=trading == "Running" and symbol.exiting is None,
        targets=not halted and not (symbol.trip is not None and symbol.trip.target_refused),
        exiting=symbol.exiting is not None,
        exit_at=symbol.exit_at,
        priced=symbol.market.bid is not None and symbol.instrument is not None,
    )


def _reasons_to_exit(state: EngineState, symbol: SymbolState, position: Position, limits: Limits) -> None:
    if not position.quantity or symbol.exiting is not None:
        return
    trading, reason = trading_state(state.directive)
    if trading == "Flatten":
        exit_now(state, symbol, reason)
    elif symbol.route != target_route(state.directive, symbol.symbol):
        exit_now(state, symbol, "the mode changes")
    elif symbol.trip is not None and symbol.trip.stops_sent > MAX_SENDS:
        exit_now(state, symbol, f"{symbol.trip.stops_sent} stops did not hold")
    elif position.liquidation is not None and (price := symbol.market.value) is not None:
        distance = abs(price - position.liquidation) / price
        if distance < limits.min_liquidation_distance_ratio / 2:
            exit_now(state, symbol, f"liquidation is {distance:.4f} of the price away")


def _watch_stop(state: EngineState, symbol: SymbolState, exposure: Exposure, limits: Limits) -> None:
    if not exposure.position or protected(exposure):
        symbol.unprotected_since = None
    elif symbol.unprotected_since is None:
        symbol.unprotected_since = state.at
    elif state.at - symbol.unprotected_since >= limits.stop_confirm_timeout:
        exit_now(state, symbol, "no stop was confirmed in time")


def _act(state: EngineState, symbol: SymbolState, position: Position, want: Want, limits: Limits) -> None:
    order = want.order
    if want.step == "stop":
        _place_stop(state, symbol, position, limits)
    elif want.step == "target":
        _place_target(state, symbol, position, limits)
    elif want.step == "exit":
        _place_exit(state, symbol, position, limits)
    elif order is None:
        raise RuntimeError(f"step {want.step} without its order")
    elif want.step == "cancel":
        cancel(state, order, limits)
    elif want.step == "again":
        send_again(state, symbol, order, limits)
    else:
        order.dropped = True
        state.record(symbol.symbol, "order", "info", "never arrived, no longer wanted", order.intent.client_id)


def _place_stop(state: EngineState, symbol: SymbolState, position: Position, limits: Limits) -> None:
    trip = _trip(state, symbol)
    rules = symbol.instrument
    if rules is None or trip.stops_sent > MAX_SENDS:
        return
    distance = _stop_distance(state, symbol, position, limits)
    long = position.quantity > 0
    trigger = (
        ceil_to(max(position.entry - distance, rules.tick), rules.tick)
        if long
        else floor_to(position.entry + distance, rules.tick)
    )
    price = symbol.market.value
    if price is not None and (price <= trigger if long else price >= trigger):
        exit_now(state, symbol, f"the price {price} is already beyond the stop {trigger}")
        return
    trip.stops_sent += 1
    ask_and_send(state, symbol, _closing(symbol, trip, "stop", position.quantity, trigger), limits)


def _place_target(state: EngineState, symbol: SymbolState, position: Position, limits: Limits) -> None:
    trip, rules = _trip(state, symbol), symbol.instrument
    if rules is None:
        return
    distance = trip.target_distance
    if distance is None:
        distance = _stop_distance(state, symbol, position, limits) * limits.take_profit_atr / limits.stop_atr
    if position.quantity > 0:
        trigger = ceil_to(position.entry + distance, rules.tick)
    else:
        trigger = floor_to(max(position.entry - distance, rules.tick), rules.tick)
    intent = _closing(symbol, trip, "take_profit", position.quantity, trigger)
    trip.target_refused = ask_and_send(state, symbol, intent, limits) is not None


def _closing(symbol: SymbolState, trip: Trip, leg: Leg, quantity: Decimal, trigger: Decimal) -> OrderIntent:
    return OrderIntent(
        client_id=symbol.next_id(trip.decided_at, leg),
        symbol=symbol.symbol,
        side=against(quantity),
        leg=leg,
        kind="STOP_MARKET" if leg == "stop" else "TAKE_PROFIT_MARKET",
        quantity=abs(quantity),
        trigger=trigger,
        close_position=True,
        decided_at=trip.decided_at,
    )


def _place_exit(state: EngineState, symbol: SymbolState, position: Position, limits: Limits) -> None:
    price = exit_price(symbol, position.quantity, limits)
    if price is None:
        return
    symbol.exit_at = state.at + EXIT_PAUSE
    intent = OrderIntent(
        client_id=symbol.next_id(state.at, "exit"),
        symbol=symbol.symbol,
        side=against(position.quantity),
        leg="exit",
        kind="LIMIT",
        quantity=abs(position.quantity),
        price=price,
        time_in_force="IOC",
        reduce_only=True,
        decided_at=state.at,
    )
    ask_and_send(state, symbol, intent, limits)


def _trip(state: EngineState, symbol: SymbolState) -> Trip:
    if symbol.trip is None:
        symbol.trip = Trip(state.at)
    return symbol.trip


def _stop_distance(state: EngineState, symbol: SymbolState, position: Position, limits: Limits) -> Decimal:
    """As planned at entry; for an adopted position by ATR, or, before that is known, by the loss at the stop."""
    trip = _trip(state, symbol)
    if trip.stop_distance is None:
        current = context(state, symbol, limits)
        distance = stop_distance(current, position.entry)
        if distance is None:
            basis = current.basis or abs(position.quantity) * position.entry
            distance = limits.risk_per_trade_ratio * basis / abs(position.quantity)
        least, most = limits.min_stop_ratio * position.entry, WIDEST_STOP * position.entry
        trip.stop_distance = min(max(distance, least), most)
    return trip.stop_distance


def _settle(state: EngineState, symbol: SymbolState, limits: Limits) -> None:
    """Flat: once nothing works any more, sweep where that was ordered, and change the route where the mode changed."""
    if any(state.blotter.orders(symbol.symbol)):
        return
    symbol.trip = None
    target = target_route(state.directive, symbol.symbol)
    trading, _ = trading_state(state.directive)
    moving = symbol.route != target
    if trading != "Flatten" and not moving:
        symbol.swept = False
    elif not symbol.swept and symbol.route is not None:
        symbol.swept = True
        state.out.append(CancelAll(state.at, symbol.route, symbol.symbol))
        state.record(symbol.symbol, "state", "info", "flat, nothing working: every open order of the symbol cancelled")
    if moving and target is not None:
        state.record(symbol.symbol, "state", "info", f"orders go to {target} from now on")
        symbol.route, symbol.swept = target, False
        account = state.account(target)
        account.adopted, account.reconcile_at = False, state.at
    leverage = max(int(limits.max_leverage), 1)
    if symbol.route is not None and symbol.leverage != (symbol.route, leverage):
        symbol.leverage = (symbol.route, leverage)
        state.out.append(SetLeverage(state.at, symbol.route, symbol.symbol, leverage))

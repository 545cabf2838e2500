"""Orders meet the book: acceptance, execution in price-time priority, resting, cancelling."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from tradefleet_sim.engine import risk, settlement
from tradefleet_sim.engine.accounts import Account
from tradefleet_sim.engine.book import Resting, Take
from tradefleet_sim.engine.events import Execution, OrderChanged, Traded
from tradefleet_sim.engine.orders import Expiry, Kind, NewOrder, Order, Side, Status, TimeInForce
from tradefleet_sim.engine.refusals import Refusal, Refused
from tradefleet_sim.engine.state import State
from tradefleet_sim.engine.symbol import SymbolState

OnEnd = Callable[[Order], None]


class Matching:
    """`on_end` is told of every order that came to its end (a conditional order may wait for it)."""

    def __init__(self, state: State, on_end: OnEnd) -> None:
        self._state = state
        self._on_end = on_end
        self._resting: dict[int, Resting] = {}

    def place(self, account: Account, request: NewOrder, at: int) -> Order:
        """Accepts, executes and rests an order; returns it as it is then. Raises Refused, and then nothing changed."""
        symbol = self._state.symbols[request.symbol]
        limit = self._check(account, symbol, request)
        order_id = self._state.next_id()
        order = Order(
            id=order_id,
            client_id=request.client_id or f"sim{order_id}",
            account=account.key,
            symbol=request.symbol,
            side=request.side,
            kind=request.kind,
            time_in_force=request.time_in_force,
            price=request.price,
            lots=request.lots,
            reduce_only=request.reduce_only,
            close_position=request.close_position,
            algo_id=request.algo_id,
            forced=request.forced,
            created=at,
            updated=at,
        )
        account.orders[order_id] = order
        self._state.emit(OrderChanged(at, order, Execution.NEW))
        self._take(symbol, account, order, limit, at)
        rest = account.orders.get(order_id)
        return self._latest(account, order_id) if rest is None else self._rest(symbol, rest, at)

    def cancel(self, order: Order, at: int) -> Order:
        return self._end(order, at, Status.CANCELED)

    def strangers_printed(self, symbol: SymbolState, at: int, price: int, lots: int, buyer_is_maker: bool) -> None:
        """A trade of the market: clients whose turn it is get their part, the rest is the strangers'."""
        half = symbol.book.bids if buyer_is_maker else symbol.book.asks
        takes = half.printed(price, lots)
        filled = self._fill_makers(symbol, half.side, takes, at)
        if rest := lots - filled:
            self._trade(symbol, at, price, rest, buyer_is_maker)

    def strangers_cross(self, symbol: SymbolState, at: int) -> None:
        """Strangers' quotes that reach a client's price trade with it, at the client's price."""
        book = symbol.book
        for half, other in ((book.bids, book.asks), (book.asks, book.bids)):
            while True:
                price, reached = half.best_queue(), other.best_level()
                if price is None or reached is None or not half.within(price, reached):
                    break
                lots = other.levels[reached]
                takes = []
                for resting in half.queues[price]:
                    if share := min(lots, resting.remaining):
                        takes.append(Take(price, share, resting))
                        lots -= share
                other.set_level(reached, lots)
                self._fill_makers(symbol, half.side, takes, at)

    # -- one order ------------------------------------------------------------------------------------------------

    def _check(self, account: Account, symbol: SymbolState, request: NewOrder) -> int | None:
        """Whether the order may be accepted; returns the worst price (ticks) at which it may trade."""
        if symbol.mark is None:
            raise Refused(Refusal.NO_LIQUIDITY)
        if request.forced:
            return request.price or None
        if any(order.client_id == request.client_id for order in account.orders.values()):
            raise Refused(Refusal.DUPLICATE_CLIENT_ID)
        if len(account.open_orders(request.symbol)) >= symbol.instrument.max_orders:
            raise Refused(Refusal.TOO_MANY_ORDERS)
        held = account.position(request.symbol).lots * request.side.sign
        reduces = request.reduce_only or request.close_position
        if reduces and held >= 0:
            raise Refused(Refusal.REDUCE_ONLY)
        other = symbol.book.half(request.side.opposite)
        limit = request.price if request.kind is Kind.LIMIT else _bound(symbol, request.side)
        if request.kind is Kind.MARKET and other.best() is None:
            raise Refused(Refusal.NO_LIQUIDITY)
        best = other.best()
        if request.time_in_force is TimeInForce.GTX and best is not None and other.within(best, limit):
            raise Refused(Refusal.WOULD_TAKE)
        if request.time_in_force is TimeInForce.FOK:
            wanted = min(request.lots, -held) if reduces else request.lots
            if sum(take.lots for take in other.plan(wanted, limit, account.key)) < request.lots:
                raise Refused(Refusal.NOT_FILLABLE)
        if not reduces:
            risk.check_margin(self._state, account, symbol, request)
        return limit

    def _take(self, symbol: SymbolState, account: Account, order: Order, limit: int | None, at: int) -> None:
        """Trades until the order is done or nothing more is in reach; planned anew where a plan did not hold."""
        half = symbol.book.half(order.side.opposite)
        taking: Order | None = order
        while taking is not None and (wanted := self._effective(account, taking)):
            steps = half.plan(wanted, limit, account.key)
            if not steps:
                break
            for step in steps:
                taking = account.orders.get(order.id)
                if taking is None:
                    break
                self._step(symbol, taking, step, at)
            taking = account.orders.get(order.id)

    def _step(self, symbol: SymbolState, taking: Order, step: Take, at: int) -> None:
        half, resting = symbol.book.half(taking.side.opposite), step.resting
        if resting is None:
            half.take(step)
            trade_id = self._trade(symbol, at, step.price, step.lots, taking.side is Side.SELL)
            settlement.strangers_trade(self._state, symbol, taking, step.price, step.lots)
            self._fill(symbol, taking, step, trade_id, at, maker=False)
        elif resting.order_id not in self._resting:
            return  # an earlier step ended it
        elif resting.account == taking.account:
            own = self._state.accounts[resting.account].orders[resting.order_id]
            self._end(own, at, Status.EXPIRED_IN_MATCH, Expiry.SELF_TRADE)
        else:
            step = Take(step.price, min(step.lots, resting.remaining), resting)
            half.take(step)
            trade_id = self._trade(symbol, at, step.price, step.lots, taking.side is Side.SELL)
            making = self._state.accounts[resting.account].orders[resting.order_id]
            self._fill(symbol, making, step, trade_id, at, maker=True)
            self._fill(symbol, taking, step, trade_id, at, maker=False)

    def _rest(self, symbol: SymbolState, order: Order, at: int) -> Order:
        if order.kind is Kind.MARKET:
            expiry = Expiry.LIQUIDATION if order.forced else Expiry.MARKET_REMAINDER
            return self._end(order, at, Status.EXPIRED, expiry)
        if order.time_in_force in (TimeInForce.IOC, TimeInForce.FOK):
            expiry = Expiry.LIQUIDATION if order.forced else Expiry.IOC_REMAINDER
            return self._end(order, at, Status.EXPIRED, expiry)
        self._queue(symbol, order)
        return order

    def resume(self) -> None:
        """Open orders of a restored state go back to the book, behind whoever stands there."""
        for account in self._state.accounts.values():
            for order in account.orders.values():
                self._queue(self._state.symbols[order.symbol], order)

    def _queue(self, symbol: SymbolState, order: Order) -> None:
        half = symbol.book.half(order.side)
        ahead = half.levels.get(order.price, 0)
        effective = self._effective(self._state.accounts[order.account], order)
        resting = Resting(order.id, order.account, order.price, effective, ahead)
        half.join(resting)
        self._resting[order.id] = resting

    # -- bookkeeping ----------------------------------------------------------------------------------------------

    def _fill_makers(self, symbol: SymbolState, side: Side, takes: Iterable[Take], at: int) -> int:
        """Strangers trade with clients' resting orders; returns how much was traded."""
        filled, half = 0, symbol.book.half(side)
        for planned in takes:
            resting = planned.resting
            if resting is None or resting.order_id not in self._resting:
                continue
            step = Take(planned.price, min(planned.lots, resting.remaining), resting)
            order = self._state.accounts[resting.account].orders[resting.order_id]
            half.take(step)
            trade_id = self._trade(symbol, at, step.price, step.lots, side is Side.BUY)
            settlement.strangers_trade(self._state, symbol, order, step.price, step.lots)
            self._fill(symbol, order, step, trade_id, at, maker=True)
            filled += step.lots
        return filled

    def _fill(self, symbol: SymbolState, order: Order, step: Take, trade_id: int, at: int, *, maker: bool) -> None:
        account = self._state.accounts[order.account]
        done = settlement.fill(
            self._state, symbol, order, at=at, price=step.price, lots=step.lots, trade_id=trade_id, maker=maker
        )
        account.orders[order.id] = done
        self._state.emit_position(account, at, order.symbol)
        if not done.is_open:
            self._forget(account, done)
        self._trim(account, symbol, at)

    def _trim(self, account: Account, symbol: SymbolState, at: int) -> None:
        """Reduce-only orders show no more than there is to reduce, and expire when that is nothing."""
        for order in account.open_orders(symbol.instrument.symbol):
            if not order.reduces:
                continue
            effective, resting = self._effective(account, order), self._resting.get(order.id)
            if not effective:
                self._end(order, at, Status.EXPIRED, Expiry.REDUCE_ONLY)
            elif resting is not None and resting.remaining != effective:
                resting.remaining = effective
                symbol.book.half(order.side).touched.add(order.price)

    def _effective(self, account: Account, order: Order) -> int:
        """How many lots the order may still trade."""
        if not order.reduces:
            return order.remaining
        return min(order.remaining, max(0, -account.position(order.symbol).lots * order.side.sign))

    def _latest(self, account: Account, order_id: int) -> Order:
        return account.orders.get(order_id) or next(item for item in reversed(account.closed) if item.id == order_id)

    def _end(self, order: Order, at: int, status: Status, expiry: Expiry = Expiry.NONE) -> Order:
        account = self._state.accounts[order.account]
        done = order.end(at, status, expiry)
        self._forget(account, done)
        execution = Execution.CANCELED if status is Status.CANCELED else Execution.EXPIRED
        self._state.emit(OrderChanged(at, done, execution))
        return done

    def _forget(self, account: Account, order: Order) -> None:
        del account.orders[order.id]
        if resting := self._resting.pop(order.id, None):
            self._state.symbols[order.symbol].book.half(order.side).leave(resting)
        account.closed.append(order)
        self._on_end(order)

    def _trade(self, symbol: SymbolState, at: int, price: int, lots: int, buyer_is_maker: bool) -> int:
        symbol.last = price
        trade_id = symbol.next_trade()
        self._state.emit(Traded(symbol.instrument.symbol, at, trade_id, price, lots, buyer_is_maker))
        return trade_id


def _bound(symbol: SymbolState, side: Side) -> int | None:
    """How far from the mark a market order may trade (marketTakeBound, 5 %)."""
    mark = symbol.mark_ticks
    if mark is None:
        return None
    return mark * (1_000_000 + side.sign * symbol.instrument.price_band_ppm) // 1_000_000

"""The algo service: conditional orders wait for a price and then enter the book like any other order."""

from __future__ import annotations

from tradefleet_sim.engine.accounts import Account
from tradefleet_sim.engine.algos import Algo, AlgoStatus, NewAlgo, WorkingType, reached
from tradefleet_sim.engine.events import AlgoChanged
from tradefleet_sim.engine.matching import Matching
from tradefleet_sim.engine.orders import Kind, NewOrder, Order
from tradefleet_sim.engine.refusals import Refusal, Refused
from tradefleet_sim.engine.state import State
from tradefleet_sim.engine.symbol import SymbolState

MAX_ALGOS = 200  # an account
_WAITING = AlgoStatus.NEW


class Conditional:
    def __init__(self, state: State) -> None:
        self._state = state
        self.matching = Matching(state, self._order_ended)
        self._waiting: dict[str, dict[int, Algo]] = {}  # by symbol

    def resume(self) -> None:
        """Go on with the open orders, plain and conditional, of a state that was restored."""
        self.matching.resume()
        for account in self._state.accounts.values():
            for algo in account.waiting_algos():
                self._waiting.setdefault(algo.request.symbol, {})[algo.id] = algo

    def place(self, account: Account, request: NewAlgo, at: int) -> Algo:
        symbol = self._state.symbols[request.symbol]
        if any(algo.client_id == request.client_id for algo in account.algos.values() if request.client_id):
            raise Refused(Refusal.DUPLICATE_CLIENT_ID)
        if len(account.waiting_algos()) >= MAX_ALGOS:
            raise Refused(Refusal.TOO_MANY_ORDERS)
        if _is_reached(symbol, request):
            raise Refused(Refusal.WOULD_TRIGGER)
        algo_id = self._state.next_id()
        algo = Algo(algo_id, request.client_id or f"sim{algo_id}", account.key, request, at, at)
        self._put(algo, at)
        self._waiting.setdefault(request.symbol, {})[algo_id] = algo
        return algo

    def cancel(self, algo: Algo, at: int) -> Algo:
        return self._end(algo.to(AlgoStatus.CANCELED, at), at)

    def price_moved(self, symbol: SymbolState, at: int) -> None:
        """Triggers what has been reached; a triggered order may trade and move the price again."""
        waiting = self._waiting.get(symbol.instrument.symbol, {})
        while reached_now := next((algo for algo in waiting.values() if _is_reached(symbol, algo.request)), None):
            self._trigger(reached_now, at)

    def _trigger(self, algo: Algo, at: int) -> None:
        account, request = self._state.accounts[algo.account], algo.request
        del self._waiting[request.symbol][algo.id]
        algo = self._put(algo.to(AlgoStatus.TRIGGERING, at), at)
        lots = request.lots
        if request.close_position:
            lots = max(0, -account.position(request.symbol).lots * request.side.sign)
        if not lots:
            self._end(algo.to(AlgoStatus.EXPIRED, at, reason="no position to close"), at)
            return
        order = NewOrder(
            symbol=request.symbol,
            side=request.side,
            kind=Kind.LIMIT if request.kind.is_limit else Kind.MARKET,
            lots=lots,
            price=request.price if request.kind.is_limit else 0,
            time_in_force=request.time_in_force,
            reduce_only=request.reduce_only,
            close_position=request.close_position,
            client_id=algo.client_id,
            algo_id=algo.id,
        )
        try:
            placed = self.matching.place(account, order, at)
        except Refused as refused:
            self._end(algo.to(AlgoStatus.REJECTED, at, reason=refused.refusal.value), at)
            return
        algo = self._put(algo.to(AlgoStatus.TRIGGERED, at, order_id=placed.id), at)
        if not placed.is_open:
            self._end(algo.to(AlgoStatus.FINISHED, at), at)

    def _order_ended(self, order: Order) -> None:
        algo = self._state.accounts[order.account].algos.get(order.algo_id)
        if algo is not None and algo.status is AlgoStatus.TRIGGERED:
            self._end(algo.to(AlgoStatus.FINISHED, order.updated), order.updated)

    def _put(self, algo: Algo, at: int) -> Algo:
        self._state.accounts[algo.account].algos[algo.id] = algo
        self._state.emit(AlgoChanged(at, algo))
        return algo

    def _end(self, algo: Algo, at: int) -> Algo:
        account = self._state.accounts[algo.account]
        del account.algos[algo.id]
        self._waiting.get(algo.request.symbol, {}).pop(algo.id, None)
        account.closed_algos.append(algo)
        self._state.emit(AlgoChanged(at, algo))
        return algo


def _is_reached(symbol: SymbolState, request: NewAlgo) -> bool:
    if request.working is WorkingType.MARK_PRICE:
        if symbol.mark is None:
            return False
        scale = int(symbol.instrument.tick * 10**8)  # a tick in money units
        return reached(request, symbol.mark, scale)
    return symbol.last is not None and reached(request, symbol.last)

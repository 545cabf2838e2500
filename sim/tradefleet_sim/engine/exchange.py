"""The whole exchange behind one door: the market comes in, requests come in, events come out."""

from __future__ import annotations

from collections.abc import Iterable

from tradefleet_sim.engine import risk, settlement
from tradefleet_sim.engine.accounts import Account
from tradefleet_sim.engine.algos import Algo, NewAlgo
from tradefleet_sim.engine.conditional import Conditional
from tradefleet_sim.engine.events import Event, LeverageChanged, MarketNews
from tradefleet_sim.engine.margin import Health
from tradefleet_sim.engine.orders import Kind, NewOrder, Order, Side, TimeInForce
from tradefleet_sim.engine.refusals import Refusal, Refused
from tradefleet_sim.engine.state import State
from tradefleet_sim.engine.symbol import SymbolState
from tradefleet_sim.instruments import MONEY, Instrument
from tradefleet_sim.market.events import (
    BookUpdate,
    Liquidation,
    Mark,
    MarketEvent,
    OpenInterest,
    Print,
    Quote,
    Snapshot,
)

_FIRST_ID = 8_000_000_000


class Exchange:
    """All methods take the time (ms) and may leave events behind for `drain`. Requests raise Refused."""

    def __init__(self, instruments: Iterable[Instrument], starting_balance: int = 10_000 * MONEY) -> None:
        self.state = State.of(instruments, starting_balance, _FIRST_ID)
        self._conditional = Conditional(self.state)
        self._matching = self._conditional.matching

    def resume(self) -> None:
        """Go on from a state that was restored."""
        self._conditional.resume()

    def drain(self) -> list[Event]:
        """What happened since the last call, in order."""
        happened, self.state.happened = self.state.happened, []
        return happened

    # -- the market -----------------------------------------------------------------------------------------------

    def market(self, name: str, event: MarketEvent) -> None:
        symbol, at = self.state.symbols[name], event.at
        match event:
            case Snapshot() | BookUpdate() | Quote():
                symbol.take_market(event)
                self._matching.strangers_cross(symbol, at)
                self.state.emit(symbol.drain_book(at, own=False))
            case Print():
                self._matching.strangers_printed(symbol, at, event.price, event.lots, event.buyer_is_maker)
            case Mark():
                self._mark(symbol, event)
            case OpenInterest():
                symbol.open_interest = event
                self.state.emit(MarketNews(name, event))
            case Liquidation():
                self.state.emit(MarketNews(name, event))
        self._settle(symbol, at)

    def tick(self, at: int) -> None:
        """What time itself brings: countdowns that ran out."""
        for (key, name), due in list(self.state.countdowns.items()):
            if at >= due:
                del self.state.countdowns[key, name]
                self.cancel_all(self.state.accounts[key], name, at)

    # -- requests -------------------------------------------------------------------------------------------------

    def account(self, key: str, at: int) -> Account:
        return self.state.account(key, at)

    def health(self, account: Account) -> Health:
        return risk.health(self.state, account)

    def place(self, account: Account, request: NewOrder, at: int) -> Order:
        order = self._matching.place(account, request, at)
        self._settle(self.state.symbols[request.symbol], at)
        return account.orders.get(order.id) or next(item for item in reversed(account.closed) if item.id == order.id)

    def cancel(self, account: Account, order_id: int, at: int) -> Order:
        order = account.orders.get(order_id)
        if order is None:
            raise Refused(Refusal.UNKNOWN_ORDER)
        done = self._matching.cancel(order, at)
        self._settle(self.state.symbols[order.symbol], at)
        return done

    def cancel_all(self, account: Account, name: str, at: int) -> list[Order]:
        """Regular orders only: conditional ones stay, as at the venue."""
        return [self.cancel(account, order.id, at) for order in account.open_orders(name)]

    def place_algo(self, account: Account, request: NewAlgo, at: int) -> Algo:
        return self._conditional.place(account, request, at)

    def cancel_algo(self, account: Account, algo_id: int, at: int) -> Algo:
        algo = account.algos.get(algo_id)
        if algo is None or algo.status != "NEW":
            raise Refused(Refusal.UNKNOWN_ORDER)
        return self._conditional.cancel(algo, at)

    def set_leverage(self, account: Account, name: str, leverage: int, at: int) -> int:
        """The notional (USDT) that may be held at this leverage."""
        limit = risk.check_leverage(self.state, account, self.state.symbols[name], leverage)
        account.leverage[name] = leverage
        self.state.emit(LeverageChanged(at, account.key, name, leverage))
        return limit

    def set_countdown(self, account: Account, name: str, milliseconds: int, at: int) -> None:
        """Cancels all orders of the symbol unless asked again in time; 0 switches it off."""
        if milliseconds:
            self.state.countdowns[account.key, name] = at + milliseconds
        else:
            self.state.countdowns.pop((account.key, name), None)

    # -- consequences ---------------------------------------------------------------------------------------------

    def _settle(self, symbol: SymbolState, at: int) -> None:
        """What follows from a change: triggered orders, and the book as it is now."""
        self._conditional.price_moved(symbol, at)
        self.state.emit(symbol.drain_book(at, own=True))

    def _mark(self, symbol: SymbolState, event: Mark) -> None:
        before = symbol.mark_news
        symbol.set_mark(event)
        if before is not None and before.rate and event.at >= before.next_funding > before.at:
            settlement.funding(self.state, symbol, before.rate, event.at)
            symbol.fundings.append(event._replace(rate=before.rate))
        self.state.emit(MarketNews(symbol.instrument.symbol, event))
        for account in list(self.state.accounts.values()):
            if risk.is_broken(self.state, account):
                self._liquidate(account, event.at)

    def _liquidate(self, account: Account, at: int) -> None:
        """Cancels everything and closes every position at what the book gives; strangers take the rest at the mark."""
        account.liquidations += 1
        for order in account.open_orders():
            self._matching.cancel(order, at)
        for name, position in list(account.positions.items()):
            if not position.lots:
                continue
            symbol = self.state.symbols[name]
            side = Side.SELL if position.lots > 0 else Side.BUY
            request = NewOrder(
                symbol=name,
                side=side,
                kind=Kind.LIMIT,
                lots=abs(position.lots),
                price=self._liquidation_limit(symbol, side),
                time_in_force=TimeInForce.IOC,
                client_id=f"autoclose-{at}",
                forced=True,
            )
            order = self._matching.place(account, request, at)
            if order.remaining:
                self._take_over(account, symbol, at)
            closed = symbol.instrument.notional(request.price, order.lots)
            settlement.liquidation_fee(self.state, account, at, symbol, closed)
            average = order.value // order.filled if order.filled else request.price
            news = Liquidation(at, side is Side.SELL, request.price, average, order.lots)
            self.state.emit(MarketNews(name, news))
            self.state.emit_position(account, at, name)
            self.state.emit(symbol.drain_book(at, own=True))
        settlement.clear_debt(self.state, account, at)

    def _liquidation_limit(self, symbol: SymbolState, side: Side) -> int:
        """Half a percent beyond the mark."""
        mark = symbol.mark_ticks or 1
        return max(1, mark * (1000 - side.sign * -5) // 1000)

    def _take_over(self, account: Account, symbol: SymbolState, at: int) -> None:
        """What the book could not take goes to strangers at the mark (the venue: insurance fund and ADL)."""
        settlement.take_over(self.state, symbol, account, price=symbol.mark_ticks or 1, at=at)

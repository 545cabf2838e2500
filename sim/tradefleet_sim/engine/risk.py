"""What an account may still do, and when the exchange takes over."""

from __future__ import annotations

from tradefleet_sim.engine import margin
from tradefleet_sim.engine.accounts import Account
from tradefleet_sim.engine.orders import Kind, NewOrder, Side
from tradefleet_sim.engine.refusals import Refusal, Refused
from tradefleet_sim.engine.state import State
from tradefleet_sim.engine.symbol import SymbolState
from tradefleet_sim.instruments import MONEY

_MARKET_MARKUP_PPM = 500  # a market buy is margined at the best ask plus 0.05 %, the venue's rule


def exposure(account: Account, symbol: SymbolState, *, bids: int = 0, asks: int = 0) -> margin.Exposure:
    """One symbol of an account, with further notional of orders (money units) if asked for."""
    instrument = symbol.instrument
    position = account.position(instrument.symbol)
    for order in account.orders.values():
        if order.symbol == instrument.symbol and not order.reduce_only and not order.close_position:
            notional = instrument.notional(order.price, order.remaining)
            if order.side is Side.BUY:
                bids += notional
            else:
                asks += notional
    value = symbol.mark_value(position.lots)
    return margin.Exposure(
        position=value,
        bids=bids,
        asks=asks,
        unrealized=position.unrealized(value),
        leverage=account.leverage_of(instrument.symbol),
        brackets=instrument.brackets,
    )


def health(state: State, account: Account) -> margin.Health:
    return margin.health(account.wallet, [exposure(account, symbol) for symbol in state.symbols.values()])


def check_margin(state: State, account: Account, symbol: SymbolState, request: NewOrder) -> None:
    """Refuses an order that needs more margin than there is, or a position larger than the leverage allows."""
    price = request.price if request.kind is Kind.LIMIT else _market_price(symbol, request.side)
    notional = symbol.instrument.notional(price, request.lots)
    before = health(state, account)
    here = exposure(account, symbol)
    buy = request.side is Side.BUY
    after = exposure(account, symbol, bids=notional if buy else 0, asks=0 if buy else notional)
    needed = before.initial_margin - here.initial_margin + after.initial_margin
    if needed > before.initial_margin and needed > before.equity:
        raise Refused(Refusal.MARGIN_INSUFFICIENT)
    held = after.position + (after.bids if buy else -after.asks)
    limit = margin.maximum_notional(symbol.instrument.brackets, after.leverage) * MONEY
    if abs(held) > limit and abs(held) > abs(after.position):
        raise Refused(Refusal.POSITION_TOO_LARGE)


def _market_price(symbol: SymbolState, side: Side) -> int:
    """Ticks, rounded up."""
    best = symbol.book.half(side.opposite).best()
    if best is None:
        raise Refused(Refusal.NO_LIQUIDITY)
    return best if side is Side.SELL else -(-best * (1_000_000 + _MARKET_MARKUP_PPM) // 1_000_000)


def check_leverage(state: State, account: Account, symbol: SymbolState, leverage: int) -> int:
    """The notional (USDT) that `leverage` allows; refuses what the table, the position or the margin does not allow."""
    table = symbol.instrument.brackets
    if not 1 <= leverage <= table[0].leverage:
        raise Refused(Refusal.LEVERAGE_INVALID)
    limit = margin.maximum_notional(table, leverage)
    now = exposure(account, symbol)
    if abs(now.position) > limit * MONEY:
        raise Refused(Refusal.LEVERAGE_TOO_LOW)
    before = health(state, account)
    largest = max(abs(now.position), abs(now.position + now.bids), abs(now.position - now.asks))
    needed = before.initial_margin - now.initial_margin - (-largest // leverage)
    if needed > before.initial_margin and needed > before.equity:
        raise Refused(Refusal.MARGIN_INSUFFICIENT)
    return limit


def is_broken(state: State, account: Account) -> bool:
    """Whether equity no longer covers the maintenance margin."""
    if not any(position.lots for position in account.positions.values()):
        return False
    now = health(state, account)
    return now.equity < now.maintenance_margin

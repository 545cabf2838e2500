"""Money moves here and nowhere else: fills, fees, funding, insurance."""

from __future__ import annotations

from decimal import Decimal

from tradefleet_sim.engine.accounts import Account, trade
from tradefleet_sim.engine.events import Execution, OrderChanged
from tradefleet_sim.engine.orders import Fill, Order
from tradefleet_sim.engine.state import State
from tradefleet_sim.engine.symbol import SymbolState

_RATE = 10**8


def fill(
    state: State, symbol: SymbolState, order: Order, *, at: int, price: int, lots: int, trade_id: int, maker: bool
) -> Order:
    """One side of a trade: order, position, wallet and fee of its account. Returns the order after it."""
    instrument, account = symbol.instrument, state.accounts[order.account]
    notional = instrument.notional(price, lots)
    rate = instrument.maker_ppm if maker else instrument.taker_ppm
    fee = -(-notional * rate // 1_000_000)
    signed = order.side.sign
    position, realized = trade(account.position(order.symbol), signed * lots, signed * notional, fee, at)
    account.positions[order.symbol] = position
    if realized:
        state.pay(account, at, "REALIZED_PNL", order.symbol, realized, trade_id=trade_id)
    state.pay(account, at, "COMMISSION", order.symbol, -fee, trade_id=trade_id)
    state.ledger.fees += fee
    done = order.fill(at, price, lots)
    record = Fill(trade_id, at, order.id, price, lots, fee, maker, realized)
    account.fills.append((done, record))
    execution = Execution.CALCULATED if order.forced else Execution.TRADE
    state.emit(OrderChanged(at, done, execution, record))
    return done


def strangers_trade(state: State, symbol: SymbolState, client: Order, price: int, lots: int) -> None:
    """The other side of a client's trade with the market: cash and lots of everybody who is not a client."""
    signed = client.side.sign * lots
    name = symbol.instrument.symbol
    state.ledger.strangers += symbol.instrument.notional(price, signed)
    state.ledger.strangers_lots[name] = state.ledger.strangers_lots.get(name, 0) - signed


def funding(state: State, symbol: SymbolState, rate: str, at: int) -> None:
    """Each position pays `mark value · rate` (a long pays when the rate is positive, a short receives)."""
    name, scaled = symbol.instrument.symbol, int(Decimal(rate) * _RATE)
    for account in state.accounts.values():
        lots = account.position(name).lots
        if not lots or not scaled:
            continue
        amount = symbol.mark_value(lots) * scaled
        paid = abs(amount) // _RATE * (1 if amount > 0 else -1)
        state.pay(account, at, "FUNDING_FEE", name, -paid)
        state.ledger.funding += paid
        state.emit_balance(account, at, "FUNDING_FEE", -paid)


def clear_debt(state: State, account: Account, at: int) -> None:
    """After a liquidation the insurance fund pays what the account could not."""
    if account.wallet < 0:
        debt = -account.wallet
        state.pay(account, at, "INSURANCE_CLEAR", "", debt)
        state.ledger.insurance -= debt
        state.emit_balance(account, at, "INSURANCE_CLEAR", debt)


def liquidation_fee(state: State, account: Account, at: int, symbol: SymbolState, notional: int) -> None:
    """The venue's fee on what it closed, as far as the account can pay it; it goes to the insurance fund."""
    fee = min(-(-notional * symbol.instrument.liquidation_fee_ppm // 1_000_000), max(0, account.wallet))
    if fee:
        state.pay(account, at, "INSURANCE_CLEAR", symbol.instrument.symbol, -fee)
        state.ledger.insurance += fee


def take_over(state: State, symbol: SymbolState, account: Account, *, price: int, at: int) -> None:
    """Strangers take the whole position off an account at `price`, without a fee."""
    name = symbol.instrument.symbol
    lots = account.position(name).lots
    notional = symbol.instrument.notional(price, lots)
    position, realized = trade(account.position(name), -lots, -notional, 0, at)
    account.positions[name] = position
    state.pay(account, at, "REALIZED_PNL", name, realized)
    state.ledger.strangers -= notional
    state.ledger.strangers_lots[name] = state.ledger.strangers_lots.get(name, 0) + lots

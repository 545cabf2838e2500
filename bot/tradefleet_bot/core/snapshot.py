"""Make an `EngineView` from the engine's state; reads only."""

from tradefleet_bot.core.account import Account
from tradefleet_bot.core.directive import trading_state
from tradefleet_bot.core.portfolio import ZERO
from tradefleet_bot.core.risk.pipeline import gate
from tradefleet_bot.core.routing import target_route
from tradefleet_bot.core.sending import confirmed_stop, context
from tradefleet_bot.core.state import EngineState
from tradefleet_bot.core.view import EngineView, PositionView


def snapshot(state: EngineState) -> EngineView:
    """The view; of several accounts (hybrid) the live one's money is shown."""
    trading, reason = trading_state(state.directive)
    directive, limits = state.directive, state.limits
    account = _shown(state)
    positions = _positions(state)
    halted = None if limits is not None else reason
    if limits is not None:
        for symbol in state.symbols.values():
            refused = gate(context(state, symbol, limits))
            if refused is not None and refused.check != "busy":
                halted = refused.reason
                break
    used = [state.accounts[route] for route in state.accounts if any(s.route == route for s in state.symbols.values())]
    return EngineView(
        at=state.at,
        mode="paper" if directive is None else directive.mode,
        trading_state=trading,
        mandate_sequence=None if directive is None else directive.sequence,
        orders_fresh=directive is not None and directive.fresh,
        connected=limits is not None
        and all(
            symbol.market.fault(state.at, limits.stale_after, symbol.streams) is None
            for symbol in state.symbols.values()
        ),
        warm=not any(symbol.missing for symbol in state.symbols.values()),
        reconciled=bool(used) and all(one.adopted and one.mismatch is None for one in used),
        flat=not positions and not any(order.open for order in state.blotter.orders()),
        settling=any(s.route != target_route(directive, s.symbol) for s in state.symbols.values()),
        halted=halted,
        latches=tuple(latch.name for latch in state.latches.tripped),
        equity_quote=None if account is None else account.portfolio.equity(state.prices(account.route)),
        realized_quote=sum((one.portfolio.realized for one in used), ZERO),
        drawdown_ratio=None if account is None else account.drawdown,
        daily_loss_ratio=None if account is None else account.daily_loss,
        orders_sent=state.orders_sent,
        fills=state.fills,
        trades_today=0 if account is None else account.trades_today,
        open_orders=sum(1 for order in state.blotter.orders() if order.open),
        refusals=dict(state.refusals),
        errors=state.errors,
        quorum_lost=any(symbol.quorum_lost for symbol in state.symbols.values()),
        positions=positions,
        last_decision=state.last_decision,
    )


def _shown(state: EngineState) -> Account | None:
    return state.accounts.get("live") or state.accounts.get("paper")


def _positions(state: EngineState) -> tuple[PositionView, ...]:
    views = []
    for symbol in state.symbols.values():
        account = state.account_of(symbol)
        if account is None or not (position := account.portfolio.position(symbol.symbol)).quantity:
            continue
        price = symbol.market.value
        views.append(
            PositionView(
                symbol.symbol,
                position.quantity,
                position.entry,
                None if price is None else position.unrealized(price),
                confirmed_stop(tuple(state.blotter.orders(symbol.symbol))),
            )
        )
    return tuple(views)

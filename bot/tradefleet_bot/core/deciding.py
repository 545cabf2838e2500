"""One decision of one symbol: features, mask, model, risk, command; and always a record of why."""

from decimal import Decimal
from typing import Final

from tradefleet_bot.core.commands import Outcome, Record
from tradefleet_bot.core.decision import ACTIONS, Action, Decision, Mask, PortfolioView
from tradefleet_bot.core.events import Side
from tradefleet_bot.core.guarding import against, exit_now, exit_price, guard
from tradefleet_bot.core.orders.ids import client_id
from tradefleet_bot.core.orders.intent import OrderIntent
from tradefleet_bot.core.orders.rounding import ceil_to, floor_to
from tradefleet_bot.core.risk.context import Context
from tradefleet_bot.core.risk.pipeline import approve, gate
from tradefleet_bot.core.risk.sizing import entry_quantity, stop_distance
from tradefleet_bot.core.risk.verdict import Approved, Refused
from tradefleet_bot.core.sending import ask_and_send, context, send
from tradefleet_bot.core.state import EngineState, SymbolState, Trip

ENTRY_REACH: Final = Decimal("0.0005")
"""An entry's limit goes this far through the best price, so that it trades at once and never far away."""
FULL_HOLDING: Final = 60
ONLY_HOLD: Final[Mask] = (True, False, False, False, False, False)
Verdicts = dict[Action, Approved[OrderIntent] | Refused]


def decide(state: EngineState, symbol: SymbolState, decided_at: int) -> None:
    """Let the model choose among what risk would approve at this decision time (ns), and carry it out."""
    limits = state.limits
    symbol.missing = symbol.features.vector(decided_at, symbol.vector)
    symbol.holding += 1
    if limits is None:
        decision = state.model.decide(symbol.model_state, symbol.vector, symbol.missing, PortfolioView(), ONLY_HOLD)
        _note(state, symbol, decision, "held", "no orders from above yet")
        return
    current = context(state, symbol, limits)
    verdicts, halted = _entries(symbol, current, decided_at)
    mask = _mask(current, symbol, verdicts)
    decision = state.model.decide(symbol.model_state, symbol.vector, symbol.missing, _view(symbol, current), mask)
    symbol.quorum_lost = decision.quorum_lost
    if not mask[ACTIONS.index(decision.action)]:
        refused = verdicts.get(decision.action)
        why = refused.reason if isinstance(refused, Refused) else "nothing to reduce or no trading"
        state.refusals["mask_ignored"] = state.refusals.get("mask_ignored", 0) + 1
        _note(state, symbol, decision, "refused", f"masked: {why}")
        return
    _carry_out(state, symbol, current, decision, verdict=verdicts.get(decision.action), halted=halted)


def _carry_out(
    state: EngineState,
    symbol: SymbolState,
    c: Context,
    decision: Decision,
    *,
    verdict: Approved[OrderIntent] | Refused | None,
    halted: Refused | None,
) -> None:
    if decision.action == "HOLD":
        if halted is not None and halted.check != "busy":
            state.refusals[halted.check] = state.refusals.get(halted.check, 0) + 1
        _note(
            state, symbol, decision, "held", "" if halted is None else f"no new risk: {halted.reason}", refused=halted
        )
    elif isinstance(verdict, Approved):
        intent = verdict.value
        distance = stop_distance(c, intent.price or Decimal(0))
        if not c.position and distance is not None:
            target = distance * c.limits.take_profit_atr / c.limits.stop_atr
            symbol.trip = Trip(intent.decided_at, distance, target)
        send(state, symbol, verdict, c.limits)
        _note(state, symbol, decision, "approved", f"{intent.side} {intent.quantity} at {intent.price}", intent=intent)
    elif decision.action == "CLOSE":
        exit_now(state, symbol, "the model closes", outcome="info")
        guard(state, symbol)
        _note(state, symbol, decision, "approved", f"closing {c.position}")
    else:
        _reduce(state, symbol, c, decision)


def _reduce(state: EngineState, symbol: SymbolState, c: Context, decision: Decision) -> None:
    price = exit_price(symbol, c.position, c.limits)
    if price is None or c.instrument is None:
        _note(state, symbol, decision, "refused", "no price to reduce at")
        return
    half = max(floor_to(abs(c.position) / 2, c.instrument.lot), c.instrument.min_quantity)
    intent = OrderIntent(
        client_id=symbol.next_id(c.at, "exit"),
        symbol=symbol.symbol,
        side=against(c.position),
        leg="exit",
        kind="LIMIT",
        quantity=min(half, abs(c.position)),
        price=price,
        time_in_force="IOC",
        reduce_only=True,
        decided_at=c.at,
    )
    refused = ask_and_send(state, symbol, intent, c.limits)
    outcome: Outcome = "approved" if refused is None else "refused"
    text = f"{intent.side} {intent.quantity} at {price}" if refused is None else refused.reason
    _note(state, symbol, decision, outcome, text, refused=refused, intent=intent)


def _entries(symbol: SymbolState, c: Context, decided_at: int) -> tuple[Verdicts, Refused | None]:
    """What risk says to each action that adds, and why none may, where none may."""
    halted = gate(c)
    if halted is not None:
        return {}, halted
    if c.position:
        return {"ADD": _entry(symbol, c, "BUY" if c.position > 0 else "SELL", decided_at)}, None
    verdicts: Verdicts = {
        "OPEN_LONG": _entry(symbol, c, "BUY", decided_at),
        "OPEN_SHORT": _entry(symbol, c, "SELL", decided_at),
    }
    return verdicts, next((v for v in verdicts.values() if isinstance(v, Refused)), None)


def _entry(symbol: SymbolState, c: Context, side: Side, decided_at: int) -> Approved[OrderIntent] | Refused:
    if c.bid is None or c.ask is None or c.instrument is None:
        return Refused("unknown", "an entry needs a price and the instrument's rules")
    reach = min(ENTRY_REACH, c.limits.price_collar_ratio)
    tick = c.instrument.tick
    price = floor_to(c.ask * (1 + reach), tick) if side == "BUY" else ceil_to(c.bid * (1 - reach), tick)
    quantity = entry_quantity(c, price)
    if isinstance(quantity, Refused):
        return quantity
    intent = OrderIntent(
        client_id=client_id(symbol.owner, decided_at, "entry", 0),
        symbol=symbol.symbol,
        side=side,
        leg="entry",
        kind="LIMIT",
        quantity=quantity,
        price=price,
        time_in_force="IOC",
        decided_at=decided_at,
    )
    return approve(intent, c)


def _mask(c: Context, symbol: SymbolState, verdicts: Verdicts) -> Mask:
    may_reduce = bool(c.position) and c.state in ("Running", "ReduceOnly") and symbol.exiting is None
    return (
        True,
        isinstance(verdicts.get("OPEN_LONG"), Approved),
        isinstance(verdicts.get("OPEN_SHORT"), Approved),
        isinstance(verdicts.get("ADD"), Approved),
        may_reduce and c.busy is None,
        may_reduce,
    )


def _view(symbol: SymbolState, c: Context) -> PortfolioView:
    mid = c.mid
    if not c.position or mid is None or c.basis is None or c.basis <= 0 or not c.entry:
        return PortfolioView()
    largest = c.limits.max_position_ratio * c.basis
    position = float(c.position * mid / largest)
    gain = float((mid - c.entry) / c.entry) * (100.0 if c.position > 0 else -100.0)
    return PortfolioView(max(-1.0, min(1.0, position)), gain, min(symbol.holding / FULL_HOLDING, 1.0))


def _note(
    state: EngineState,
    symbol: SymbolState,
    decision: Decision,
    outcome: Outcome,
    text: str,
    *,
    refused: Refused | None = None,
    intent: OrderIntent | None = None,
) -> None:
    record = Record(
        at=state.at,
        symbol=symbol.symbol,
        topic="decision",
        outcome=outcome,
        reason="; ".join(part for part in (decision.reason, text) if part),
        action=decision.action,
        score=decision.score,
        check=None if refused is None else refused.check,
        measured=None if refused is None else refused.measured,
        limit=None if refused is None else refused.limit,
        client_id=None if intent is None else intent.client_id,
        quantity=None if intent is None else intent.quantity,
        price=None if intent is None else intent.price,
    )
    state.last_decision = record
    state.out.append(record)

"""From the engine's view to what is reported: `/status` as BotStatus, and the metrics that are read from it."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal, cast

from tradefleet_api.botconfig import BotConfig
from tradefleet_api.botstatus import BotStatus, DecisionReport, PositionReport
from tradefleet_api.tradingbot import Mode, TradingState
from tradefleet_bot.core.commands import Record
from tradefleet_bot.core.view import EngineView, PositionView
from tradefleet_bot.shell.metrics import Metrics

if TYPE_CHECKING:
    from prometheus_client.core import Metric

_ACTIONS = {"HOLD", "OPEN_LONG", "OPEN_SHORT", "ADD", "REDUCE", "CLOSE"}


def report(config: BotConfig, view: EngineView, *, digest: str, started_at: float, fault: str | None) -> BotStatus:
    """The status of a process whose engine runs; `fault` is the shell's own reason to take no new risk."""
    return BotStatus(
        namespace=config.bot.namespace,
        name=config.bot.name,
        arm=config.bot.arm,
        model=config.model.name,
        model_digest=digest,
        mode=cast("Mode", view.mode),
        trading_state="Paused" if view.trading_state == "Disabled" else cast("TradingState", view.trading_state),
        mandate_sequence=view.mandate_sequence,
        orders_fresh=view.orders_fresh,
        connected=view.connected,
        warm=view.warm,
        reconciled=view.reconciled,
        flat=view.flat,
        halted=fault or view.halted,
        equity_quote=_number(view.equity_quote),
        realized_quote=_number(view.realized_quote),
        drawdown_ratio=view.drawdown_ratio,
        orders_sent=view.orders_sent,
        fills=view.fills,
        open_orders=view.open_orders,
        refusals=view.refusals,
        errors=view.errors,
        positions=[_position(position) for position in view.positions],
        last_decision=None if view.last_decision is None else _decision(view.last_decision),
        started_at=_time(started_at),
        event_time=_time(view.at / 1e9) if view.at else None,
    )


def metrics_of(view: EngineView, metrics: Metrics) -> Iterator["Metric"]:
    """The engine's figures as metrics; what is unknown is absent."""
    yield from metrics.gauge("equity_quote", "Wallet and unrealised profit.", _number(view.equity_quote))
    yield from metrics.gauge("realized_quote", "All-time, after fees and funding.", _number(view.realized_quote))
    yield from metrics.gauge("drawdown_ratio", "Below the high-water mark.", view.drawdown_ratio)
    yield from metrics.gauge("daily_loss_ratio", "Below the UTC day's first equity.", view.daily_loss_ratio)
    yield from metrics.gauge("open_orders", "Orders that may still trade.", view.open_orders)
    yield from metrics.gauge("halted", "1 while no new risk is taken.", view.halted is not None)
    yield from metrics.gauge("latches", "Controls that wait for a person.", len(view.latches))
    yield from metrics.gauge("reconciled", "1 while bot and venue agree.", view.reconciled)
    yield from metrics.gauge("warm", "1 while every required feature is known.", view.warm)
    yield from metrics.counter("orders", "Orders sent.", view.orders_sent)
    yield from metrics.counter("fills", "Executions booked.", view.fills)
    yield from metrics.counter("errors", "Commands that failed and contradictions of the venue.", view.errors)
    yield from metrics.counters(
        "refusals", "Refused by risk.", ("reason",), [((check,), count) for check, count in view.refusals.items()]
    )
    yield from metrics.gauges(
        "position_notional_quote",
        "Signed, at the entry price.",
        ("symbol",),
        [((p.symbol,), float(p.quantity * p.entry_price)) for p in view.positions],
    )


def _position(position: PositionView) -> PositionReport:
    return PositionReport(
        symbol=position.symbol,
        quantity=format(position.quantity, "f"),
        entry_price=format(position.entry_price, "f"),
        unrealized_quote=_number(position.unrealized_quote),
        stop_price=None if position.stop_price is None else format(position.stop_price, "f"),
    )


def _decision(decision: Record) -> DecisionReport:
    outcome = decision.outcome if decision.outcome in {"approved", "refused"} else "held"
    action = decision.action if decision.action in _ACTIONS else "HOLD"
    return DecisionReport(
        time=_time(decision.at / 1e9),
        symbol=decision.symbol,
        action=cast("Literal['HOLD']", action),
        outcome=cast("Literal['held']", outcome),
        reason=decision.reason,
        score=decision.score,
    )


def _number(value: object) -> float | None:
    return None if value is None else float(cast("float", value))


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")

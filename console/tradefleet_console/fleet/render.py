"""The fleet as text: one line of figures a bot, then what it decided last and what is wrong with it."""

from collections.abc import Sequence
from decimal import Context
from typing import Final

from tradefleet_api.botstatus import BotStatus, PositionReport
from tradefleet_console.fleet.view import BotView

_HEADER: Final = ("BOT", "PHASE", "MODE", "MODEL", "STEP", "EQUITY", "POSITION", "STOP", "OPEN", "SENT", "FILLS")
_RIGHT: Final = frozenset({"EQUITY", "OPEN", "SENT", "FILLS"})
_COLOURS: Final = {"Healthy": 32, "Progressing": 36, "Paused": 33, "Pending": 33, "Degraded": 31}
_NONE: Final = "-"
_PRICE: Final = Context(prec=8)
"""An average entry price may have any number of digits."""


def render(bots: Sequence[BotView], colour: bool) -> str:
    """The whole picture, each line without a trailing space; `colour` paints phases for a terminal."""
    if not bots:
        return "no TradingBots here"
    stable = [_figures(bot) for bot in bots]
    shadows = [_shadow_figures(bot) for bot in bots]
    cells = [_HEADER, *stable, *(row for row in shadows if row is not None)]
    widths = [max(len(row[at]) for row in cells) for at in range(len(_HEADER))]
    lines = [_line(_HEADER, widths)]
    for bot, figures, shadow in zip(bots, stable, shadows, strict=True):
        lines.append(_line(figures, widths, _COLOURS.get(figures[1]) if colour else None))
        if shadow is not None:
            lines.append(_line(shadow, widths))
        lines += [f"    {note}" for note in _notes(bot)]
    return "\n".join(lines)


def _figures(bot: BotView) -> tuple[str, ...]:
    report = bot.stable.status
    model = report.model if report else (bot.status.get("stable") or {}).get("name")
    mode = report.mode if report else bot.status.get("mode")
    step = (bot.status.get("step") or {}).get("name")
    left = (f"{bot.namespace}/{bot.name}", bot.status.get("phase"), mode, model, step)
    return tuple(cell or _NONE for cell in (*left, *_account(report)))


def _shadow_figures(bot: BotView) -> tuple[str, ...] | None:
    if bot.shadow is None:
        return None
    report, candidate = bot.shadow.status, (bot.status.get("candidate") or {}).get("name")
    left = ("  └ shadow", None, report.mode if report else None, candidate, None)
    return tuple(cell or _NONE for cell in (*left, *_account(report)))


def _account(report: BotStatus | None) -> tuple[str | None, ...]:
    if report is None:
        return (None,) * 6
    equity = None if report.equity_quote is None else f"{report.equity_quote:,.2f}"
    positions = ", ".join(_position(position) for position in report.positions) or "flat"
    stops = ", ".join(position.stop_price or "NONE" for position in report.positions)
    return equity, positions, stops, str(report.open_orders), str(report.orders_sent), str(report.fills)


def _position(position: PositionReport) -> str:
    sign = "" if position.quantity.startswith("-") else "+"
    entry = f"{_PRICE.create_decimal(position.entry_price).normalize(_PRICE):f}"
    return f"{sign}{position.quantity} {position.symbol} @ {entry} ({position.unrealized_quote:+.2f})"


def _notes(bot: BotView) -> list[str]:
    """What is worth a line: the last decision, a halt, why there is no report, what the operator says."""
    notes = []
    if bot.stable.status is not None:
        notes += _report_notes(bot.stable.status)
    elif bot.status.get("stable"):  # before that there is nothing that could report
        notes.append(f"no report: {bot.stable.fault}")
    if bot.shadow is not None and bot.shadow.status is None:
        notes.append(f"no report of the candidate: {bot.shadow.fault}")
    if bot.status.get("message") and bot.status.get("phase") != "Healthy":
        notes.append(f"operator: {bot.status['message']}")
    return notes


def _report_notes(report: BotStatus) -> list[str]:
    notes = []
    if report.last_decision is not None:
        decision = report.last_decision
        said = decision.score is None or "score" in decision.reason
        score = "" if said else f" (score {decision.score:+.2f})"
        when = decision.time[11:19] if len(decision.time) >= 19 else decision.time
        notes.append(f"{when} {decision.symbol} {decision.action} {decision.outcome}: {decision.reason}{score}")
    if report.halted:
        notes.append(f"no new risk: {report.halted}")
    states = {"not connected": report.connected, "warming up": report.warm, "not reconciled": report.reconciled}
    if wrong := [state for state, fine in states.items() if not fine]:
        notes.append(", ".join(wrong))
    return notes


def _line(cells: Sequence[str], widths: Sequence[int], colour: int | None = None) -> str:
    padded = [
        cell.rjust(width) if name in _RIGHT else cell.ljust(width)
        for cell, width, name in zip(cells, widths, _HEADER, strict=True)
    ]
    if colour is not None:
        padded[1] = f"\033[{colour}m{padded[1]}\033[0m"
    return "  ".join(padded).rstrip()

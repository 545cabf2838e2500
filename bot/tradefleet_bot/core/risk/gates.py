"""Checks that look at the moment and not at the order: while one refuses, no new risk is taken at all."""

from collections.abc import Callable
from decimal import Decimal
from typing import Final

from tradefleet_bot.core.risk.context import Context
from tradefleet_bot.core.risk.verdict import Refused

Gate = Callable[[Context], Refused | None]


def trading_state(c: Context) -> Refused | None:
    """The most severe of trading state, halt annotation and deletion; disabled before the first directive."""
    return None if c.state == "Running" else Refused("trading_state", f"{c.state}: {c.state_reason}")


def mandate(c: Context) -> Refused | None:
    """Orders from above that could not be read for their lifetime no longer allow new risk."""
    return None if c.fresh else Refused("mandate", "the mandate could not be read within its lifetime")


def model_gate(c: Context) -> Refused | None:
    """The bundle that is loaded must be the one the mandate names, and its quorum must vote."""
    if c.wrong_model is not None:
        return Refused("model", c.wrong_model)
    return Refused("quorum", "too few members of the ensemble vote") if c.quorum_lost else None


def latches(c: Context) -> Refused | None:
    """A tripped latch stays until a person re-arms it."""
    return None if c.latch is None else Refused("latch", c.latch)


def feed(c: Context) -> Refused | None:
    """Every required stream is up and fresh."""
    return None if c.feed_fault is None else Refused("feed", c.feed_fault)


def account(c: Context) -> Refused | None:
    """Positions, orders and balance agree with the venue, and fills are visible."""
    return None if c.account_fault is None else Refused("account", c.account_fault)


def settled(c: Context) -> Refused | None:
    """An order that is still open ends before the next entry."""
    return None if c.busy is None else Refused("busy", c.busy)


def known(c: Context) -> Refused | None:
    """Sizes need the instrument's rules, a price, the ATR and the equity; what is missing is not guessed."""
    for what, value in (
        ("the instrument's rules", c.instrument),
        ("the best bid", c.bid),
        ("the best offer", c.ask),
        ("the average true range", c.atr),
        ("the equity", c.equity),
    ):
        if value is None:
            return Refused("unknown", f"{what}: not known yet")
    return None


def daily_loss(c: Context) -> Refused | None:
    """Equity against the start of the UTC day."""
    return _loss(
        "daily_loss", "loss since the start of the UTC day", c.day_start_equity, c, c.limits.max_daily_loss_ratio
    )


def drawdown(c: Context) -> Refused | None:
    """Equity against its high-water mark."""
    return _loss("drawdown", "drawdown from the high-water mark", c.high_water, c, c.limits.max_drawdown_ratio)


def consecutive_losses(c: Context) -> Refused | None:
    """Round trips lost in a row."""
    limit = c.limits.max_consecutive_losses
    if c.consecutive_losses < limit:
        return None
    return Refused("consecutive_losses", f"{c.consecutive_losses} losses in a row", c.consecutive_losses, limit)


def trades_per_day(c: Context) -> Refused | None:
    """Entries that filled since the start of the UTC day, and those in flight."""
    limit = c.limits.max_trades_per_day
    if c.trades_today < limit:
        return None
    return Refused("trades_per_day", f"{c.trades_today} trades since the start of the UTC day", c.trades_today, limit)


def order_rate(c: Context) -> Refused | None:
    """Orders sent in the last minute."""
    limit = c.limits.max_orders_per_minute
    if c.orders_last_minute < limit:
        return None
    return Refused("order_rate", f"{c.orders_last_minute} orders in the last minute", c.orders_last_minute, limit)


def _loss(check: str, what: str, reference: Decimal | None, c: Context, limit: Decimal) -> Refused | None:
    if reference is None or c.equity is None:
        return Refused(check, f"{what}: not known yet")
    if reference <= 0 or c.equity <= 0:
        return Refused(check, "no equity is left")
    ratio = 1 - c.equity / reference
    return Refused(check, f"{what} reached", float(ratio), float(limit)) if ratio >= limit else None


GATES: Final[tuple[Gate, ...]] = (
    trading_state,
    mandate,
    model_gate,
    latches,
    account,
    feed,
    settled,
    known,
    daily_loss,
    drawdown,
    consecutive_losses,
    trades_per_day,
    order_rate,
)

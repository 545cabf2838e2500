"""One route's account as risk sees it: the portfolio, the day's figures, and whether the venue agrees."""

from decimal import Decimal
from typing import Final

from tradefleet_bot.core.carry import Figures
from tradefleet_bot.core.events import CashFlow, Fill
from tradefleet_bot.core.limits import Route
from tradefleet_bot.core.portfolio import ZERO, Portfolio

DAY: Final = 86_400_000_000_000


class Account:
    """Figures start from what a restart carried over, money from the first AccountState."""

    def __init__(self, route: Route, carried: Figures | None = None) -> None:
        carried = carried or Figures(route)
        self.route = route
        self.portfolio = Portfolio()
        self.day = carried.day
        self.day_start_equity = carried.day_start_equity
        self.trades_today = carried.trades_today
        self.consecutive_losses = carried.consecutive_losses
        self.high_water = carried.high_water
        self.portfolio.realized = carried.realized
        self.equity: Decimal | None = None
        """As of the last `mark`."""
        self.stream_up = route == "paper"
        """The stream of orders and fills; the paper venue has no wire that could break."""
        self.adopted = False
        """The first AccountState has been taken in."""
        self.early: list[Fill | CashFlow] = []
        """What happened before that: part of the snapshot, unless it is younger."""
        self.mismatch: str | None = None
        """How the venue differed at the last reconciliation, in words."""
        self.mismatches = 0
        self.unsettled = 0
        """Snapshots in a row that differed, orders on the move included."""
        self.requested_at: int | None = None
        self.reconcile_at = 0
        """When to ask for the next AccountState, ns."""

    @property
    def fault(self) -> str | None:
        """Why positions and orders of this account can't be trusted now."""
        if not self.stream_up:
            return "the stream of orders and fills is down"
        if not self.adopted:
            return "the account has not been read yet"
        return None if self.mismatch is None else f"not reconciled: {self.mismatch}"

    def mark(self, at: int, prices: dict[str, Decimal]) -> bool:
        """Value the account; rolls the UTC day over. True when a new day began."""
        self.equity = self.portfolio.equity(prices)
        day = at // DAY
        new_day = day > self.day
        if self.equity is None:
            return False
        if new_day:
            self.day, self.day_start_equity, self.trades_today = day, self.equity, 0
        if self.day_start_equity is None:
            self.day_start_equity = self.equity
        if self.high_water is None or self.equity > self.high_water:
            self.high_water = self.equity
        return new_day

    def pay(self, flow: CashFlow) -> None:
        """Book funding or a transfer; a transfer is neither profit nor loss: the references move with it."""
        self.portfolio.pay(flow)
        if flow.kind != "transfer":
            return
        if self.day_start_equity is not None:
            self.day_start_equity += flow.amount_quote
        if self.high_water is not None:
            self.high_water += flow.amount_quote

    def closed(self, net: Decimal) -> None:
        """A round trip ended with this result after fees and funding."""
        self.consecutive_losses = self.consecutive_losses + 1 if net < 0 else 0

    def rearm(self) -> None:
        """A person has looked: losses and drawdown count from here."""
        self.consecutive_losses = 0
        self.high_water = self.equity
        self.day_start_equity = self.equity

    @property
    def drawdown(self) -> float | None:
        return _ratio(self.high_water, self.equity)

    @property
    def daily_loss(self) -> float | None:
        return _ratio(self.day_start_equity, self.equity)

    @property
    def figures(self) -> Figures:
        return Figures(
            self.route,
            self.day,
            self.day_start_equity,
            self.trades_today,
            self.consecutive_losses,
            self.high_water,
            self.portfolio.realized,
        )


def _ratio(reference: Decimal | None, equity: Decimal | None) -> float | None:
    return None if equity is None or reference is None or reference <= ZERO else float(1 - equity / reference)

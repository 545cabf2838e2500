"""What can be traded against on paper: the displayed best sizes, each taken once, and the queue at a price."""

from decimal import Decimal

from tradefleet_bot.core.events import MarkPrice, Quote, Side, Trade
from tradefleet_bot.core.orders.rounding import exact
from tradefleet_bot.core.portfolio import ZERO


class Liquidity:
    """One symbol's best bid and offer, mark and last trade; sizes shrink as they are taken, until the next quote.

    Most quotes are never traded against, so events are kept as they came and made exact when somebody asks.
    """

    def __init__(self) -> None:
        self._quote: Quote | None = None
        self._trade: Trade | None = None
        self._mark: MarkPrice | None = None
        self._taken: dict[Side, Decimal] = {"BUY": ZERO, "SELL": ZERO}

    def quote(self, event: Quote) -> None:
        """A new best bid and offer."""
        self._quote = event
        if self._taken["BUY"] or self._taken["SELL"]:
            self._taken = {"BUY": ZERO, "SELL": ZERO}

    def trade(self, event: Trade) -> None:
        """A trade print."""
        self._trade = event

    def marked(self, event: MarkPrice) -> None:
        """A mark price."""
        self._mark = event

    @property
    def bid(self) -> Decimal | None:
        return None if self._quote is None else exact(self._quote.bid)

    @property
    def ask(self) -> Decimal | None:
        return None if self._quote is None else exact(self._quote.ask)

    @property
    def mark(self) -> Decimal | None:
        return None if self._mark is None else exact(self._mark.mark)

    @property
    def last(self) -> Decimal | None:
        return None if self._trade is None else exact(self._trade.price)

    @property
    def approximate(self) -> float:
        """The value as a float, for estimates; 0 while unknown."""
        if self._mark is not None:
            return self._mark.mark
        return 0.0 if self._quote is None else (self._quote.bid + self._quote.ask) / 2

    @property
    def value(self) -> Decimal | None:
        """Mark, else mid."""
        if self._mark is not None:
            return self.mark
        bid, ask = self.bid, self.ask
        return None if bid is None or ask is None else (bid + ask) / 2

    def opposite(self, side: Side) -> Decimal | None:
        """The price a taker on this side gets."""
        return self.ask if side == "BUY" else self.bid

    def displayed(self, side: Side, price: Decimal) -> Decimal:
        """Size displayed at a resting price on its own side: the queue ahead. Behind the best it is unknown."""
        if self._quote is None or (self.bid if side == "BUY" else self.ask) != price:
            return ZERO
        return exact(self._quote.bid_quantity if side == "BUY" else self._quote.ask_quantity)

    def take(self, side: Side, quantity: Decimal, limit: Decimal | None) -> tuple[Decimal, Decimal] | None:
        """Price and size that a taker gets of what is displayed and left; None when nothing crosses."""
        price = self.opposite(side)
        if self._quote is None or price is None:
            return None
        if limit is not None and (price > limit if side == "BUY" else price < limit):
            return None
        displayed = exact(self._quote.ask_quantity if side == "BUY" else self._quote.bid_quantity)
        taken = min(quantity, displayed - self._taken[side])
        if taken <= 0:
            return None
        self._taken[side] += taken
        return price, taken

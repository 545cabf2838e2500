"""What can be traded against on paper: the displayed best sizes, each taken once, and the queue at a price."""

from decimal import Decimal

from tradefleet_bot.core.events import MarkPrice, Quote, Side, Trade
from tradefleet_bot.core.orders.rounding import exact
from tradefleet_bot.core.portfolio import ZERO


class Liquidity:
    """One symbol's best bid and offer, mark and last trade; sizes shrink as they are taken, until the next quote."""

    def __init__(self) -> None:
        self.bid: Decimal | None = None
        self.ask: Decimal | None = None
        self.bid_left = ZERO
        self.ask_left = ZERO
        self.mark: Decimal | None = None
        self.last: Decimal | None = None

    def quote(self, event: Quote) -> None:
        """A new best bid and offer."""
        self.bid, self.ask = exact(event.bid), exact(event.ask)
        self.bid_left, self.ask_left = exact(event.bid_quantity), exact(event.ask_quantity)

    def trade(self, event: Trade) -> None:
        """A trade print."""
        self.last = exact(event.price)

    def marked(self, event: MarkPrice) -> None:
        """A mark price."""
        self.mark = exact(event.mark)

    @property
    def value(self) -> Decimal | None:
        """Mark, else mid."""
        if self.mark is not None:
            return self.mark
        return None if self.bid is None or self.ask is None else (self.bid + self.ask) / 2

    def opposite(self, side: Side) -> Decimal | None:
        """The price a taker on this side gets."""
        return self.ask if side == "BUY" else self.bid

    def displayed(self, side: Side, price: Decimal) -> Decimal:
        """Size displayed at a resting price on its own side: the queue ahead. Behind the best it is unknown."""
        best, left = (self.bid, self.bid_left) if side == "BUY" else (self.ask, self.ask_left)
        return left if best == price else ZERO

    def take(self, side: Side, quantity: Decimal, limit: Decimal | None) -> tuple[Decimal, Decimal] | None:
        """Price and size that a taker gets of what is displayed and left; None when nothing crosses."""
        price = self.opposite(side)
        if price is None or (limit is not None and (price > limit if side == "BUY" else price < limit)):
            return None
        left = self.ask_left if side == "BUY" else self.bid_left
        taken = min(quantity, left)
        if taken <= 0:
            return None
        if side == "BUY":
            self.ask_left -= taken
        else:
            self.bid_left -= taken
        return price, taken

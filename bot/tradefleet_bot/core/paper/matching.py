"""Orders at the paper venue: how they arrive, wait, trade and end. What happens is said to `say`, in order."""

from collections import OrderedDict
from collections.abc import Callable
from decimal import Decimal
from typing import Final

from msgspec.structs import replace

from tradefleet_bot.core.events import AccountEvent, Instrument, MarkPrice, Quote, Trade
from tradefleet_bot.core.orders.intent import OrderIntent
from tradefleet_bot.core.orders.rounding import exact
from tradefleet_bot.core.paper.account import PaperAccount
from tradefleet_bot.core.paper.order import PaperOrder
from tradefleet_bot.core.paper.rules import refusal
from tradefleet_bot.core.portfolio import ZERO

KEEP: Final = 1_000
"""Orders that a query can find."""


class Matching:
    """All orders of one account, oldest first."""

    def __init__(self, account: PaperAccount, say: Callable[[AccountEvent], None]) -> None:
        self.account = account
        self.rules: dict[str, Instrument] = {}
        self.orders: OrderedDict[str, PaperOrder] = OrderedDict()
        self._open: dict[str, list[PaperOrder]] = {}  # by symbol; tidied while it is read
        self._say = say

    def restore(self, orders: tuple[PaperOrder, ...]) -> None:
        """Orders of an earlier run."""
        for order in orders:
            self._remember(order)

    def open(self, symbol: str | None = None) -> list[PaperOrder]:
        """Open orders (of one symbol)."""
        if symbol is None:
            return [order for name in self._open for order in self.open(name)]
        orders = self._open.get(symbol)
        if not orders:
            return []
        if any(order.phase == "closed" for order in orders):
            orders = self._open[symbol] = [order for order in orders if order.phase != "closed"]
        return list(orders)

    def place(self, intent: OrderIntent, at: int) -> None:
        """An order arrives: refused, or acknowledged and then matched."""
        account = self.account
        order = PaperOrder(intent, f"p{account.next_number()}")
        known = self.orders.get(intent.client_id)
        if known is not None and known.phase != "closed":
            order.close("REJECTED", "-4116 ClientOrderId is duplicated.")
            self._say(order.report(at))
            return
        market = account.market(intent.symbol)
        reason = refusal(
            intent,
            rules=self.rules.get(intent.symbol),
            market=market,
            position=account.position(intent.symbol).quantity,
            free=account.free_margin(),
            leverage=account.leverage_of(intent.symbol),
        )
        self._remember(order)
        if reason is not None:
            self.end(order, "REJECTED", at, reason)
            return
        self._say(order.report(at))
        if intent.conditional:
            return
        self._take(order, at)
        if order.phase == "closed":
            return
        if intent.time_in_force == "IOC":
            self.end(order, "EXPIRED", at, "immediate or cancel: the rest is not filled")
        else:
            order.phase = "resting"
            order.ahead = None if intent.price is None else market.displayed(intent.side, intent.price)

    def end(self, order: PaperOrder, status: str, at: int, reason: str = "") -> None:
        """Close an order and say so."""
        order.close("REJECTED" if status == "REJECTED" else "CANCELED" if status == "CANCELED" else "EXPIRED", reason)
        self._say(order.report(at))

    def market(self, event: Quote | Trade | MarkPrice, at: int) -> None:
        """The market moved: triggers, the queue, market remainders, funding, liquidation."""
        symbol = event.symbol
        market = self.account.market(symbol)
        kind = type(event)
        if kind is Quote:
            market.quote(event)  # type: ignore[arg-type]  # `kind` narrowed it; isinstance costs twice
        elif kind is Trade:
            market.trade(event)  # type: ignore[arg-type]  # as above
        elif isinstance(event, MarkPrice):
            flow = self.account.fund(event, at)
            if flow is not None:
                self._say(flow)
            market.marked(event)
        orders = self.open(symbol)
        for order in orders:
            if order.phase == "waiting":
                self._trigger(order, event, at)
            elif order.phase == "resting" and isinstance(event, Trade):
                self._queue(order, event, at)
            elif order.phase == "taking" and isinstance(event, Quote):
                self._take(order, at)
        if kind is not Trade and self.account.position(symbol).quantity:
            self._liquidate(symbol, at)

    def _trigger(self, order: PaperOrder, event: Quote | Trade | MarkPrice, at: int) -> None:
        intent = order.intent
        if type(event) is not (MarkPrice if intent.working_type == "MARK_PRICE" else Trade) or intent.trigger is None:
            return
        price = exact(event.price if isinstance(event, Trade) else event.mark)
        falls = (intent.side == "SELL") == (intent.kind == "STOP_MARKET")
        if price > intent.trigger if falls else price < intent.trigger:
            return
        order.phase, order.status = "taking", "TRIGGERED"
        self._say(order.report(at))
        self._take(order, at)

    def _queue(self, order: PaperOrder, event: Trade, at: int) -> None:
        """A trade at our price eats the queue ahead, then us; a trade through our price reaches us at once."""
        limit, price, size = order.intent.price, exact(event.price), exact(event.quantity)
        if limit is None or event.side == order.intent.side:
            return
        if price == limit:
            ahead = size if order.ahead is None else order.ahead
            size, order.ahead = size - ahead, max(ahead - size, ZERO)
        elif price > limit if order.intent.side == "BUY" else price < limit:
            return
        if size > 0:
            self._fill(order, limit, min(size, order.left), at, maker=True)

    def _take(self, order: PaperOrder, at: int) -> None:
        """Trade against what is displayed; never more than the position when the order only reduces."""
        intent = order.intent
        wanted = order.left
        if intent.reduce_only or intent.close_position:
            held = self.account.position(intent.symbol).quantity
            reducible = max(held if intent.side == "SELL" else -held, ZERO)
            wanted = reducible if intent.close_position else min(wanted, reducible)
            if wanted <= 0:
                self.end(order, "EXPIRED", at, "there is no position to reduce")
                return
        taken = self.account.market(intent.symbol).take(intent.side, wanted, intent.price)
        if taken is not None:
            self._fill(order, taken[0], taken[1], at, maker=False, all_of=wanted)

    def _fill(
        self,
        order: PaperOrder,
        price: Decimal,
        quantity: Decimal,
        at: int,
        *,
        maker: bool,
        all_of: Decimal | None = None,
    ) -> None:
        intent, config = order.intent, self.account.config
        fee_ratio = config.maker_fee if maker else config.taker_fee
        fill = self.account.execute(at, intent.symbol, intent.side, price, quantity, fee_ratio=fee_ratio, maker=maker)
        order.filled += quantity
        order.paid += price * quantity
        if quantity == all_of if intent.close_position else order.left <= 0:
            order.close("FILLED")
        elif order.status != "TRIGGERED":
            order.status = "PARTIALLY_FILLED"
        self._say(replace(fill, client_id=intent.client_id, venue_id=order.venue_id))
        self._say(order.report(at))

    def _liquidate(self, symbol: str, at: int) -> None:
        fill = self.account.liquidate(symbol, at)
        if fill is None:
            return
        for order in self.open(symbol):
            self.end(order, "EXPIRED", at, "the position was liquidated")
        self._say(replace(fill, client_id=f"autoclose-{fill.trade_id}"))

    def _remember(self, order: PaperOrder) -> None:
        self.orders[order.intent.client_id] = order
        if order.phase != "closed":
            self._open.setdefault(order.intent.symbol, []).append(order)
        while len(self.orders) > KEEP:
            oldest = next((key for key, kept in self.orders.items() if kept.phase == "closed"), None)
            if oldest is None:
                return
            del self.orders[oldest]

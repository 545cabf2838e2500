"""What the exchange knows about one symbol beside its orders: the market as it came in, ids, last and mark price."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from decimal import Decimal

from tradefleet_sim.engine.book import Book
from tradefleet_sim.engine.events import BookChanged
from tradefleet_sim.instruments import MONEY, Instrument
from tradefleet_sim.market.events import BookUpdate, Mark, OpenInterest, Quote, Snapshot


@dataclass(slots=True)
class SymbolState:
    """`mark` is money units for one base unit; None until the market has said it. Ids only ever grow."""

    instrument: Instrument
    book: Book = field(default_factory=Book)
    update: int = 0
    shift: int = 0  # how many update ids clients' own changes have inserted
    trade_id: int = 0
    last: int | None = None  # last traded price, ticks
    mark: int | None = None
    mark_news: Mark | None = None
    open_interest: OpenInterest | None = None
    fundings: deque[Mark] = field(default_factory=lambda: deque(maxlen=1000))  # the mark at each payment, its rate

    def mark_value(self, lots: int) -> int:
        """What `lots` (signed) are worth at the mark, money units, toward zero; 0 lots are worth 0 without a mark."""
        if not lots:
            return 0
        if self.mark is None:
            raise AssertionError(f"{self.instrument.symbol} has a position but no mark price")
        value = self.mark * abs(lots) // self.lots_a_unit
        return value if lots > 0 else -value

    @property
    def lots_a_unit(self) -> int:
        return int(1 / self.instrument.lot)

    @property
    def mark_ticks(self) -> int | None:
        """The mark price in whole ticks, toward zero."""
        return None if self.mark is None else int(Decimal(self.mark) / MONEY / self.instrument.tick)

    def next_trade(self) -> int:
        self.trade_id += 1
        return self.trade_id

    def set_mark(self, mark: Mark) -> None:
        self.mark_news = mark
        self.mark = int(Decimal(mark.mark_price) * MONEY)

    def take_market(self, event: Snapshot | BookUpdate | Quote) -> None:
        """Strangers' liquidity changes. Where old levels would cross newer ones, the newer are right."""
        bids, asks = self.book.bids, self.book.asks
        match event:
            case Snapshot():
                for half, rows in ((bids, event.bids), (asks, event.asks)):
                    wanted = dict(rows)
                    for price in [price for price in half.levels if price not in wanted]:
                        half.set_level(price, 0)
                    for price, lots in rows:
                        half.set_level(price, lots)
                    half.rejoin()
            case BookUpdate():
                for half, other, rows in ((bids, asks, event.bids), (asks, bids, event.asks)):
                    for price, lots in rows:
                        if lots:
                            other.clear_to(price)
                        half.set_level(price, lots)
            case Quote():
                for half, other, (price, lots) in ((bids, asks, event.bid), (asks, bids, event.ask)):
                    half.clear_better(price)
                    other.clear_to(price)
                    half.set_level(price, lots)
        self.update = max(self.update + 1, event.update + self.shift)

    def drain_book(self, at: int, *, own: bool) -> BookChanged | None:
        """What changed on the displayed book; `own`: by clients, which takes an update id of its own."""
        bids, asks = self.book.drain()
        if not bids and not asks:
            return None
        if own:
            self.shift += 1
            self.update += 1
        best_bid, best_ask = self.book.bids.top(1), self.book.asks.top(1)
        return BookChanged(
            symbol=self.instrument.symbol,
            at=at,
            update=self.update,
            bids=bids,
            asks=asks,
            best_bid=best_bid[0] if best_bid else None,
            best_ask=best_ask[0] if best_ask else None,
        )

"""The engine: money is conserved, the book is never crossed, orders only do what the table allows."""

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tradefleet_sim.engine import margin
from tradefleet_sim.engine.accounts import Position, trade
from tradefleet_sim.engine.algos import ALGO_TRANSITIONS, AlgoKind, AlgoStatus, NewAlgo, WorkingType
from tradefleet_sim.engine.events import AlgoChanged, BookChanged, Execution, OrderChanged, Traded
from tradefleet_sim.engine.exchange import Exchange
from tradefleet_sim.engine.orders import TRANSITIONS, Expiry, Kind, NewOrder, Side, Status, TimeInForce
from tradefleet_sim.engine.refusals import Refusal, Refused
from tradefleet_sim.instruments import BTC_BRACKETS, BTCUSDT, MONEY, Bracket
from tradefleet_sim.market.events import BookUpdate, Mark, Print, Quote, Snapshot

MID = 600_000  # ticks of 0.10
NAME = BTCUSDT.symbol


def mark(at: int, ticks: int, rate: str = "0.00010000", next_funding: int = 10**15) -> Mark:
    text = f"{Decimal(ticks) / 10:.8f}"
    return Mark(at, text, text, text, rate, next_funding)


def exchange(
    *, bids=((MID, 1000), (MID - 1, 2000)), asks=((MID + 1, 1000), (MID + 2, 2000)), balance=10_000
) -> Exchange:
    made = Exchange([BTCUSDT], balance * MONEY)
    made.market(NAME, Snapshot(1, 100, list(bids), list(asks)))
    made.market(NAME, mark(1, MID))
    made.drain()
    return made


def order(side: str, lots: int, price: int = 0, tif: str = "GTC", **more) -> NewOrder:
    kind = Kind.LIMIT if price else Kind.MARKET
    return NewOrder(NAME, Side(side), kind, lots, price, TimeInForce(tif), **more)


def conserved(exchange: Exchange, price: int) -> bool:
    """All that was deposited is in wallets, positions (at any price), fees, funding, insurance or strangers' hands."""
    state, unit = exchange.state, BTCUSDT.unit
    clients = sum(
        account.wallet + sum(item.lots * price * unit - item.cost for item in account.positions.values())
        for account in state.accounts.values()
    )
    ledger = state.ledger
    others = ledger.strangers + ledger.strangers_lots.get(NAME, 0) * price * unit
    return clients + ledger.fees + ledger.funding + ledger.insurance + others == ledger.deposits


class Trading(RuleBasedStateMachine):
    """Any sequence of orders, cancels, market moves, funding and liquidations."""

    @initialize()
    def open(self) -> None:
        self.exchange = exchange(balance=1_000)
        self.at, self.mid, self.update = 10, MID, 1000
        self.orders, self.algos = {}, {}
        self.shown = {}  # the book as a client builds it from the changes
        book = self.exchange.state.symbols[NAME].book
        for half in (book.bids, book.asks):
            self.shown[half.side] = dict(half.top(10_000))
        self.last_update, self.last_trade = 0, 0

    def account(self, key):
        return self.exchange.account(key, self.at)

    keys = st.sampled_from(["a", "b", "a/sub1"])
    sides = st.sampled_from(list(Side))

    @rule(
        key=keys,
        side=sides,
        lots=st.integers(1, 500),
        offset=st.one_of(st.none(), st.integers(-4, 4)),
        tif=st.sampled_from(list(TimeInForce)),
        reduce_only=st.booleans(),
    )
    def place(self, key, side, lots, offset, tif, reduce_only):  # noqa: PLR0917 - drawn by name
        self.at += 1
        kind = Kind.MARKET if offset is None else Kind.LIMIT
        price = 0 if offset is None else self.mid + offset
        tif = TimeInForce.GTC if kind is Kind.MARKET else tif
        before = (self.account(key).wallet, dict(self.account(key).orders))
        try:
            done = self.exchange.place(
                self.account(key), NewOrder(NAME, side, kind, lots, price, tif, reduce_only=reduce_only), self.at
            )
        except Refused:
            assert before == (self.account(key).wallet, dict(self.account(key).orders))
            assert not self.exchange.drain()
            return
        if tif in (TimeInForce.IOC, TimeInForce.FOK) or kind is Kind.MARKET:
            assert not done.is_open
        if tif is TimeInForce.FOK:
            assert done.filled in (0, lots)

    @rule(
        key=keys,
        side=sides,
        kind=st.sampled_from(list(AlgoKind)),
        trigger=st.integers(-6, 6),
        lots=st.integers(0, 500),
        reduce_only=st.booleans(),
        working=st.sampled_from(list(WorkingType)),
    )
    def place_algo(self, key, side, kind, trigger, lots, reduce_only, working):  # noqa: PLR0917 - drawn by name
        self.at += 1
        request = NewAlgo(
            NAME,
            side,
            kind,
            self.mid + trigger,
            lots,
            price=self.mid + trigger if kind.is_limit else 0,
            working=working,
            reduce_only=reduce_only and lots > 0,
            close_position=lots == 0,
        )
        try:
            self.exchange.place_algo(self.account(key), request, self.at)
        except Refused as refused:
            assert refused.refusal in (Refusal.WOULD_TRIGGER, Refusal.TOO_MANY_ORDERS)

    @rule(key=keys, side=sides, share=st.integers(5, 19))
    def trade(self, key, side, share):
        """A market order of so many times the equity, for which strangers make room: positions that can be lost."""
        self.at += 1
        account, half = self.account(key), self.exchange.state.symbols[NAME].book.half(side.opposite)
        lots = max(1, share * self.exchange.health(account).equity // (self.mid * BTCUSDT.unit))
        price = half.best() or self.mid + side.sign
        rows = [(price, half.levels.get(price, 0) + lots)]
        self.update += 1
        update = BookUpdate(self.at, self.update, *((rows, []) if half.side is Side.BUY else ([], rows)))
        self.exchange.market(NAME, update)
        try:
            self.exchange.place(account, order(side, lots), self.at)
        except Refused as refused:
            assert refused.refusal in (Refusal.MARGIN_INSUFFICIENT, Refusal.NO_LIQUIDITY, Refusal.POSITION_TOO_LARGE)

    @rule(key=keys, pick=st.randoms(use_true_random=False))
    def cancel(self, key, pick):
        self.at += 1
        account = self.account(key)
        if account.orders:
            self.exchange.cancel(account, pick.choice(list(account.orders)), self.at)
        for algo in account.waiting_algos()[:1]:
            self.exchange.cancel_algo(account, algo.id, self.at)

    @rule(key=keys)
    def cancel_all(self, key):
        self.at += 1
        self.exchange.cancel_all(self.account(key), NAME, self.at)
        assert not self.account(key).orders

    @rule(move=st.integers(-5, 5), sizes=st.lists(st.integers(0, 400), min_size=4, max_size=4))
    def levels_change(self, move, sizes):
        self.at += 1
        self.mid += move
        self.update += 7
        bids = [(self.mid - i, sizes[i] + (i == 0)) for i in range(2)]
        asks = [(self.mid + 1 + i, sizes[2 + i] + (i == 0)) for i in range(2)]
        self.exchange.market(NAME, BookUpdate(self.at, self.update, bids, asks))

    @rule(move=st.integers(-5, 5), bid=st.integers(1, 400), ask=st.integers(1, 400))
    def quote_changes(self, move, bid, ask):
        self.at += 1
        self.mid += move
        self.update += 3
        self.exchange.market(NAME, Quote(self.at, self.update, (self.mid, bid), (self.mid + 1, ask)))

    @rule(offset=st.integers(-3, 3), lots=st.integers(1, 600), sold=st.booleans())
    def strangers_trade(self, offset, lots, sold):
        self.at += 1
        self.exchange.market(NAME, Print(self.at, self.mid + offset, lots, sold))

    @rule(
        offset=st.sampled_from([-90_000, -40_000, -10, 0, 10, 40_000, 90_000]),
        rate=st.sampled_from(["0.00010000", "-0.00250000", ""]),
    )
    def marked(self, offset, rate):
        """Up to 15 % away from the book: accounts with much leverage are liquidated. Funding falls due now and then."""
        self.at += 1000
        due = self.at - self.at % 2000 + 2000
        self.exchange.market(NAME, mark(self.at, self.mid + offset, rate, due))

    @rule(key=keys, leverage=st.sampled_from([1, 20, 125]))
    def leverage_set(self, key, leverage):
        self.at += 1
        try:
            self.exchange.set_leverage(self.account(key), NAME, leverage, self.at)
        except Refused as refused:
            assert refused.refusal in (Refusal.MARGIN_INSUFFICIENT, Refusal.LEVERAGE_TOO_LOW)

    @invariant()
    def money_is_conserved(self):
        for price in (1, self.mid, 3 * self.mid):
            assert conserved(self.exchange, price)
        state = self.exchange.state
        lots = sum(account.position(NAME).lots for account in state.accounts.values())
        assert lots + state.ledger.strangers_lots.get(NAME, 0) == 0
        assert state.ledger.fees >= 0

    @invariant()
    def book_is_legal(self):
        book = self.exchange.state.symbols[NAME].book
        bid, ask = book.bids.best(), book.asks.best()
        assert bid is None or ask is None or bid < ask
        for half in (book.bids, book.asks):
            prices = list(half.prices())
            assert prices == sorted(prices, reverse=half.side is Side.BUY)
            assert all(half.displayed(price) > 0 for price in prices)
            queued = {resting.order_id: resting for queue in half.queues.values() for resting in queue}
            for resting in queued.values():
                assert 0 <= resting.ahead <= half.levels.get(resting.price, 0)
                mine = state_order(self.exchange, resting)
                assert mine.is_open
                assert 0 < resting.remaining <= mine.remaining
        resting = sum(len(queue) for half in (book.bids, book.asks) for queue in half.queues.values())
        assert resting == sum(len(account.orders) for account in self.exchange.state.accounts.values())

    @invariant()
    def what_was_told_is_legal(self):
        for event in self.exchange.drain():
            match event:
                case OrderChanged(order=told):
                    known = self.orders.get(told.id)
                    if known is None:
                        assert event.execution is Execution.NEW
                    else:
                        assert told.status in TRANSITIONS[known.status]
                        assert told.filled >= known.filled
                    assert 0 <= told.filled <= told.lots
                    assert (told.status is Status.FILLED) == (told.filled == told.lots)
                    if told.kind is Kind.LIMIT and event.fill is not None:
                        assert (event.fill.price - told.price) * told.side.sign <= 0  # never worse than its limit
                    self.orders[told.id] = told
                case AlgoChanged(algo=told):
                    known = self.algos.get(told.id)
                    assert (
                        told.status is AlgoStatus.NEW
                        if known is None
                        else told.status in ALGO_TRANSITIONS[known.status]
                    )
                    self.algos[told.id] = told
                case Traded():
                    assert event.trade_id == self.last_trade + 1
                    self.last_trade = event.trade_id
                    assert event.lots > 0
                case BookChanged():
                    assert event.update > self.last_update
                    self.last_update = event.update
                    for side, rows in ((Side.BUY, event.bids), (Side.SELL, event.asks)):
                        self.shown[side].update(rows)
        book = self.exchange.state.symbols[NAME].book
        for half in (book.bids, book.asks):
            assert {price: lots for price, lots in self.shown[half.side].items() if lots} == dict(half.top(10_000))

    @precondition(lambda self: self.exchange.state.accounts)
    @invariant()
    def nobody_is_left_below_water(self):
        for account in self.exchange.state.accounts.values():
            assert all(lots >= 0 for lots in (order.remaining for order in account.orders.values()))
            for item in account.open_orders():
                if item.reduces:
                    assert account.position(NAME).lots * item.side.sign < 0


def state_order(exchange: Exchange, resting):
    return exchange.state.accounts[resting.account].orders[resting.order_id]


TestTrading = Trading.TestCase
TestTrading.settings = settings(max_examples=150, stateful_step_count=50, deadline=None)


def test_market_order_takes_displayed_liquidity_level_by_level():
    sim = exchange()
    account = sim.account("k", 2)
    done = sim.place(account, order("BUY", 1500), 2)
    assert (done.status, done.filled) == (Status.FILLED, 1500)
    assert done.value == 1000 * (MID + 1) + 500 * (MID + 2)
    fee = -(-done.value * BTCUSDT.unit * 500 // 1_000_000)
    assert account.wallet == 10_000 * MONEY - fee == 10_000 * MONEY - sim.state.ledger.fees
    changed = [event for event in sim.drain() if isinstance(event, BookChanged)]
    assert changed[-1].asks == [(MID + 1, 0), (MID + 2, 1500)]


def test_price_then_time_among_strangers_and_clients():
    sim = exchange()
    first, second, taker = (sim.account(key, 2) for key in ("first", "second", "taker"))
    one = sim.place(first, order("SELL", 100, MID + 1), 2)  # behind 1000 of strangers
    sim.market(NAME, BookUpdate(3, 200, [], [(MID + 1, 1500)]))  # 500 more come behind
    two = sim.place(second, order("SELL", 100, MID + 1), 4)  # behind all of them
    better = sim.place(second, order("BUY", 10, MID - 5), 4)
    assert sim.place(taker, order("BUY", 1000, MID + 1, "IOC"), 5).filled == 1000
    assert not first.orders[one.id].filled  # strangers were ahead
    sim.place(taker, order("BUY", 150, MID + 1, "IOC"), 6)
    assert one.id not in first.orders  # its turn: 100, then 50 of the strangers behind it
    assert not second.orders[two.id].filled
    sim.place(taker, order("BUY", 500, MID + 1, "IOC"), 7)
    assert second.orders[two.id].filled == 50
    assert better.id in second.orders


def test_resting_order_fills_by_prints_after_its_queue_and_at_once_when_passed():
    sim = exchange()
    account = sim.account("k", 2)
    mine = sim.place(account, order("BUY", 300, MID), 2)
    sim.market(NAME, Print(3, MID, 900, buyer_is_maker=True))
    assert account.orders[mine.id].filled == 0  # 100 of the 1000 ahead are left
    sim.market(NAME, Print(4, MID, 250, buyer_is_maker=True))
    assert account.orders[mine.id].filled == 150
    sim.market(NAME, Print(5, MID - 1, 100, buyer_is_maker=True))
    assert account.orders[mine.id].filled == 250
    sim.market(NAME, Print(5, MID - 1, 5, buyer_is_maker=False))  # a buyer at a lower price does not meet a bid
    sim.market(NAME, BookUpdate(6, 300, [(MID, 0), (MID - 1, 0)], [(MID - 1, 40)]))  # the market moved through it
    assert account.orders[mine.id].filled == 290
    assert sim.state.ledger.fees == sum(fill.fee for _, fill in account.fills)
    assert all(fill.maker for _, fill in account.fills)


@pytest.mark.parametrize(
    ("request_", "refusal"),
    [
        (order("BUY", 10, MID + 1, "GTX"), Refusal.WOULD_TAKE),
        (order("BUY", 5000, MID + 2, "FOK"), Refusal.NOT_FILLABLE),
        (order("SELL", 10, MID, reduce_only=True), Refusal.REDUCE_ONLY),
        (order("BUY", 900_000), Refusal.MARGIN_INSUFFICIENT),
        (order("BUY", 4000, MID), Refusal.MARGIN_INSUFFICIENT),
    ],
)
def test_refusals_change_nothing(request_, refusal):
    sim = exchange()
    account = sim.account("k", 2)
    with pytest.raises(Refused) as caught:
        sim.place(account, request_, 2)
    assert caught.value.refusal is refusal
    assert not sim.drain()
    assert not account.orders


def test_duplicate_client_id_is_refused_only_while_the_first_is_open():
    sim = exchange()
    account = sim.account("k", 2)
    mine = sim.place(account, order("BUY", 10, MID - 5, client_id="x"), 2)
    with pytest.raises(Refused) as caught:
        sim.place(account, order("BUY", 10, MID - 5, client_id="x"), 3)
    assert caught.value.refusal is Refusal.DUPLICATE_CLIENT_ID
    sim.cancel(account, mine.id, 4)
    assert sim.place(account, order("BUY", 10, MID - 5, client_id="x"), 5).id != mine.id


def test_own_orders_do_not_trade_with_each_other_but_a_sub_account_does():
    sim = exchange(asks=[(MID + 9, 1000)])
    account, sub = sim.account("k", 2), sim.account("k/sub1", 2)
    assert account.alias != sub.alias
    mine = sim.place(account, order("SELL", 10, MID + 1), 2)
    done = sim.place(account, order("BUY", 10, MID + 1), 3)
    assert done.is_open
    assert [item.status for item in account.closed if item.id == mine.id] == [Status.EXPIRED_IN_MATCH]
    assert sim.place(sub, order("SELL", 10, MID + 1), 4).status is Status.FILLED


def test_reduce_only_never_opens_the_other_side():
    sim = exchange()
    account = sim.account("k", 2)
    sim.place(account, order("BUY", 100), 2)
    resting = sim.place(account, order("SELL", 300, MID + 50, reduce_only=True), 3)
    assert sim.state.symbols[NAME].book.asks.displayed(MID + 50) == 100
    sim.place(account, order("SELL", 500, reduce_only=True), 4)
    assert account.position(NAME) == Position(updated=4)
    ended = {item.id: item for item in account.closed}
    assert ended[resting.id].status is Status.EXPIRED
    assert ended[resting.id].expiry is Expiry.REDUCE_ONLY


@pytest.mark.parametrize("working", list(WorkingType))
def test_stop_triggers_once_and_closes_the_position(working):
    sim = exchange()
    account = sim.account("k", 2)
    sim.place(account, order("BUY", 100), 2)
    stop = NewAlgo(NAME, Side.SELL, AlgoKind.STOP_MARKET, MID - 50, working=working, close_position=True)
    placed = sim.place_algo(account, stop, 3)
    with pytest.raises(Refused) as caught:
        sim.place_algo(account, replace(stop, trigger=MID + 50), 3)
    assert caught.value.refusal is Refusal.WOULD_TRIGGER
    sim.drain()
    sim.market(NAME, Quote(4, 400, (MID - 60, 5000), (MID - 59, 5000)))
    assert placed.id in account.algos
    sim.market(NAME, Print(5, MID - 60, 1, True) if working is WorkingType.CONTRACT_PRICE else mark(5, MID - 60))
    assert account.position(NAME).lots == 0
    assert not account.algos
    told = [event.algo.status for event in sim.drain() if isinstance(event, AlgoChanged)]
    assert told == [AlgoStatus.TRIGGERING, AlgoStatus.TRIGGERED, AlgoStatus.FINISHED]
    ended = account.closed_algos[-1]
    assert ended.order_id == account.closed[-1].id


def test_funding_is_paid_once_at_its_time_by_longs_to_shorts():
    sim = exchange()
    long, short = sim.account("long", 2), sim.account("short", 2)
    sim.place(long, order("BUY", 100), 2)
    sim.place(short, order("SELL", 50), 2)
    sim.market(NAME, mark(1000, MID, "0.00010000", 8000))
    sim.market(NAME, mark(7999, MID, "0.00020000", 8000))
    wallets = long.wallet, short.wallet
    sim.market(NAME, mark(8000, MID, "0.00030000", 16_000))
    sim.market(NAME, mark(9000, MID, "0.00030000", 16_000))
    paid = MID * 100 * BTCUSDT.unit * 2 // 10_000
    assert (wallets[0] - long.wallet, short.wallet - wallets[1]) == (paid, paid // 2)
    assert conserved(sim, MID)


def test_liquidation_closes_everything_and_the_fund_pays_the_debt():
    sim = exchange(bids=[(MID, 100)], balance=1000)
    account = sim.account("k", 2)
    sim.set_leverage(account, NAME, 100, 2)
    sim.place(account, order("BUY", 1000), 2)
    sim.place(account, order("BUY", 10, MID - 100), 2)
    sim.market(NAME, Quote(3, 500, (MID - 40_000, 100), (MID - 39_999, 100)))
    sim.market(NAME, mark(3, MID - 40_000))
    assert account.liquidations == 1
    assert account.position(NAME).lots == 0
    assert not account.orders
    assert account.wallet == 0
    assert sim.state.ledger.insurance < 0
    assert conserved(sim, MID)


def test_countdown_cancels_unless_it_is_asked_again():
    sim = exchange()
    account = sim.account("k", 2)
    sim.place(account, order("BUY", 10, MID - 5), 2)
    sim.set_countdown(account, NAME, 1000, 10)
    sim.set_countdown(account, NAME, 1000, 500)
    sim.tick(1400)
    assert account.orders
    sim.tick(1500)
    assert not account.orders
    sim.tick(9000)


@pytest.mark.parametrize(("amount", "expected"), [(Decimal(1), "57236.18"), (Decimal(-1), "62736.32")])
def test_liquidation_price_is_the_venues(amount, expected):
    table = (Bracket(leverage=100, cap=10**9, maintenance_ppm=5_000, floor=0, cum=50 * MONEY),)
    price = margin.liquidation_price(wallet=Decimal(3000), amount=amount, entry=Decimal(60_000), table=table)
    assert price is not None
    assert f"{price:.2f}" == expected


def test_brackets_have_the_venues_cums():
    assert [bracket.cum // MONEY for bracket in BTC_BRACKETS] == [0, 50, 950, 11_450, 131_450]


def test_closing_part_of_a_position_loses_nothing_to_rounding():
    position, realized, cash = Position(), 0, 0
    for lots, price in ((3, 600_001), (4, 600_007), (-2, 600_003), (-1, 600_009), (-7, 600_011), (3, 599_999)):
        notional = lots * price * BTCUSDT.unit
        position, gained = trade(position, lots, notional, 0, 1)
        realized, cash = realized + gained, cash - notional
    assert position.lots == 0
    assert (position.cost, realized) == (0, cash)

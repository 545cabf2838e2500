"""Money from executions: exact, once each, and in words where the venue differs."""

from decimal import Decimal
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st
from support.engine_world import START, SYMBOL

from tradefleet_bot.core.account import DAY, Account
from tradefleet_bot.core.carry import Figures
from tradefleet_bot.core.events import AccountPosition, AccountState, CashFlow, Fill
from tradefleet_bot.core.portfolio import Portfolio

FILLS = st.lists(st.tuples(st.integers(-50, 50).filter(bool), st.integers(1, 1_000_000)), max_size=20)


def fill(n: int, lots: int, price: int, fee: str = "0.1") -> Fill:
    side = "BUY" if lots > 0 else "SELL"
    quantity = Decimal(abs(lots)) / 1000
    return Fill(START, START, SYMBOL, "c", f"t{n}", side, Decimal(price) / 10, quantity, Decimal(fee), False)


def state(wallet: str, quantity: str, entry: str = "0", symbol: str = SYMBOL) -> AccountState:
    position = AccountPosition(symbol, Decimal(quantity), Decimal(entry))
    return AccountState(START, START, "paper", Decimal(wallet), (position,), ())


@given(FILLS, st.integers(1, 1_000_000))
def test_equity_is_cash_plus_what_is_held(fills: list[tuple[int, int]], price: int) -> None:
    portfolio = Portfolio()
    portfolio.wallet = Decimal(10_000)
    cash = Fraction(10_000)
    held = Fraction(0)
    for n, (lots, at) in enumerate(fills):
        portfolio.execute(fill(n, lots, at))
        cash -= Fraction(lots, 1000) * Fraction(at, 10) + Fraction(1, 10)
        held += Fraction(lots, 1000)
    equity = portfolio.equity({SYMBOL: Decimal(price) / 10})
    assert equity is not None
    assert abs(Fraction(equity) - (cash + held * Fraction(price, 10))) < Fraction(1, 10**12)
    assert Fraction(portfolio.position(SYMBOL).quantity) == held
    assert abs(portfolio.wallet - 10_000 - portfolio.realized) < Decimal("1e-15")  # entry prices are averages


@given(FILLS)
def test_entry_is_between_the_prices_paid(fills: list[tuple[int, int]]) -> None:
    portfolio = Portfolio()
    for n, (lots, price) in enumerate(fills):
        portfolio.execute(fill(n, lots, price))
        position = portfolio.position(SYMBOL)
        prices = [Decimal(p) / 10 for _, p in fills[: n + 1]]
        assert not position.quantity or min(prices) - 1 < position.entry < max(prices) + 1


def test_an_execution_is_recognised_the_second_time() -> None:
    portfolio = Portfolio()
    assert not portfolio.seen("BTCUSDT/t1")
    assert portfolio.seen("BTCUSDT/t1")
    assert not portfolio.seen("ETHUSDT/t1")


def test_equity_is_unknown_while_something_is_missing() -> None:
    portfolio = Portfolio()
    assert portfolio.equity({}) is None
    portfolio.wallet = Decimal(100)
    assert portfolio.equity({}) == 100
    portfolio.execute(fill(1, 5, 600_000))
    assert portfolio.equity({}) is None


def test_a_difference_is_said_in_words_and_the_venue_is_right() -> None:
    portfolio = Portfolio()
    portfolio.wallet = Decimal(100)
    portfolio.execute(fill(1, 5, 600_000))
    theirs = state("90", "0.007", "61000")
    assert portfolio.differences(theirs) == ("BTCUSDT: the venue holds 0.007, the bot counts 0.005",)
    portfolio.adopt(theirs)
    assert portfolio.differences(theirs) == ()
    assert (portfolio.wallet, portfolio.position(SYMBOL).entry) == (90, 61_000)


def test_funding_belongs_to_the_round_trip_that_paid_it() -> None:
    portfolio = Portfolio()
    portfolio.execute(fill(1, 5, 600_000, fee="0"))
    portfolio.pay(CashFlow(START, START, "funding", SYMBOL, Decimal("-2.5"), "f1"))
    assert portfolio.position(SYMBOL).trip == Decimal("-2.5")
    assert portfolio.funding == portfolio.realized == Decimal("-2.5")


def test_the_day_turns_at_utc_midnight_and_a_restart_in_the_day_keeps_its_figures() -> None:
    carried = Figures("paper", START // DAY, Decimal(1_000), 7, 2, Decimal(1_100))
    account = Account("paper", carried)
    account.portfolio.wallet = Decimal(950)
    assert not account.mark(START, {})
    assert (account.trades_today, account.consecutive_losses) == (7, 2)
    assert account.daily_loss == 0.05
    midnight = (START // DAY + 1) * DAY
    assert account.mark(midnight, {})
    assert (account.trades_today, account.daily_loss, account.day_start_equity) == (0, 0.0, 950)
    assert account.high_water == 1_100


def test_a_transfer_is_no_profit() -> None:
    account = Account("live")
    account.portfolio.wallet = Decimal(1_000)
    account.mark(START, {})
    account.pay(CashFlow(START, START, "transfer", "", Decimal(-400), "x"))
    account.mark(START, {})
    assert account.equity == 600
    assert account.drawdown == 0.0
    assert account.portfolio.realized == 0

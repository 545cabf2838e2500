"""Money at the paper venue: wallet, positions, margin, funding and liquidation."""

from decimal import Decimal
from typing import Final

from tradefleet_bot.core.events import CashFlow, Fill, MarkPrice, Side
from tradefleet_bot.core.orders.rounding import exact
from tradefleet_bot.core.paper.config import PaperConfig, PaperSnapshot
from tradefleet_bot.core.paper.liquidity import Liquidity
from tradefleet_bot.core.portfolio import ZERO, Position

MAINTENANCE: Final = Decimal("0.005")
LIQUIDATION_FEE: Final = Decimal("0.0125")
_SMALLEST: Final = Decimal("0.00000001")


class PaperAccount:
    """One account; `number` numbers orders and executions."""

    def __init__(self, config: PaperConfig, snapshot: PaperSnapshot | None) -> None:
        self.config = config
        self.wallet = config.wallet if snapshot is None else snapshot.wallet
        self.number = 0 if snapshot is None else snapshot.number
        self.positions: dict[str, Position] = {}
        self.leverage: dict[str, int] = {}
        self._markets: dict[str, Liquidity] = {}
        self._funding: dict[str, tuple[int, Decimal]] = {}
        if snapshot is not None:
            self.positions.update((name, Position(quantity, entry)) for name, quantity, entry in snapshot.positions)
            self.leverage.update(snapshot.leverage)

    def market(self, symbol: str) -> Liquidity:
        """What is displayed of a symbol."""
        market = self._markets.get(symbol)
        if market is None:
            market = self._markets[symbol] = Liquidity()
        return market

    def position(self, symbol: str) -> Position:
        """Flat unless something was executed."""
        position = self.positions.get(symbol)
        if position is None:
            position = self.positions[symbol] = Position()
        return position

    def leverage_of(self, symbol: str) -> int:
        """As set, else the venue's default."""
        return self.leverage.get(symbol, self.config.leverage)

    def next_number(self) -> int:
        """The next number."""
        self.number += 1
        return self.number

    def equity(self) -> Decimal:
        """Wallet and unrealised profit; a position without a price counts at its entry."""
        total = self.wallet
        for name, position in self.positions.items():
            value = self.market(name).value
            if position.quantity and value is not None:
                total += position.unrealized(value)
        return total

    def free_margin(self) -> Decimal:
        """Equity that is not bound as initial margin."""
        bound = ZERO
        for name, position in self.positions.items():
            bound += self._notional(name, position) / self.leverage_of(name)
        return self.equity() - bound

    def execute(
        self, at: int, symbol: str, side: Side, price: Decimal, quantity: Decimal, *, fee_ratio: Decimal, maker: bool
    ) -> Fill:
        """Book an execution; the caller fills in whose order it was."""
        fee = (price * quantity * fee_ratio).quantize(_SMALLEST)
        realized = self.position(symbol).execute(quantity if side == "BUY" else -quantity, price)
        self.wallet += realized - fee
        trade_id = f"t{self.next_number()}"
        return Fill(at, at, symbol, "", trade_id, side, price, quantity, fee, maker, realized)

    def fund(self, event: MarkPrice, at: int) -> CashFlow | None:
        """Longs pay shorts a positive rate, once, at the funding time, on the mark price then."""
        due = self._funding.get(event.symbol)
        paid = None
        if due is not None and event.ts >= due[0]:
            del self._funding[event.symbol]
            amount = (-self.position(event.symbol).quantity * exact(event.mark) * due[1]).quantize(_SMALLEST)
            if amount:
                self.wallet += amount
                paid = CashFlow(at, at, "funding", event.symbol, amount, f"funding-{event.symbol}-{due[0]}")
        if event.next_funding is not None and event.funding_rate is not None and event.next_funding > event.ts:
            self._funding[event.symbol] = (event.next_funding, exact(event.funding_rate))
        return paid

    def liquidate(self, symbol: str, at: int) -> Fill | None:
        """Below the maintenance margin the venue closes the position at the best price and takes its fee."""
        position = self.position(symbol)
        if not position.quantity or not self._near_liquidation():
            return None
        gross = sum((self._notional(name, held) for name, held in self.positions.items()), ZERO)
        if self.equity() > MAINTENANCE * gross:
            return None
        side: Side = "SELL" if position.quantity > 0 else "BUY"
        price = self.market(symbol).opposite(side)
        if price is None:
            return None
        return self.execute(at, symbol, side, price, abs(position.quantity), fee_ratio=LIQUIDATION_FEE, maker=False)

    def _near_liquidation(self) -> bool:
        """An estimate that errs on the near side; exact money is computed only then."""
        equity, gross = float(self.wallet), 0.0
        for name, position in self.positions.items():
            if position.quantity:
                quantity, entry = float(position.quantity), float(position.entry)
                price = self.market(name).approximate or entry
                equity += quantity * (price - entry)
                gross += abs(quantity) * price
        return equity <= 2 * float(MAINTENANCE) * gross

    def _notional(self, name: str, position: Position) -> Decimal:
        return abs(position.quantity) * (self.market(name).value or position.entry)

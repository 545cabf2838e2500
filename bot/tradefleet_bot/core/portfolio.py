"""Positions and money from executions: exact, each execution counted once, and checked against the venue's account."""

from collections import OrderedDict
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from tradefleet_bot.core.events import AccountState, CashFlow, Fill

_SEEN: Final = 20_000
"""Executions remembered to recognise repeats; older ones come back only in a snapshot of the account."""
ZERO: Final = Decimal(0)


@dataclass(slots=True)
class Position:
    """One symbol; `quantity` is signed, `entry` the average price of what is open, both in the venue's units."""

    quantity: Decimal = ZERO
    entry: Decimal = ZERO
    trip: Decimal = ZERO
    """Realised since the position was last flat, net of fees and funding."""
    liquidation: Decimal | None = None

    def unrealized(self, price: Decimal) -> Decimal:
        """Profit at `price`, in quote.

        >>> Position(Decimal("-2"), Decimal(100)).unrealized(Decimal(90))
        Decimal('20')
        """
        return self.quantity * (price - self.entry)

    def execute(self, signed: Decimal, price: Decimal) -> Decimal:
        """Move the position by a signed quantity at a price; gives the gross profit realised, in quote.

        >>> p = Position(Decimal(2), Decimal(100))
        >>> p.execute(Decimal(-3), Decimal(110)), p.quantity, p.entry
        (Decimal('20'), Decimal('-1'), Decimal('110'))
        """
        before = self.quantity
        after = before + signed
        if before * signed >= 0:
            self.entry = (self.entry * abs(before) + price * abs(signed)) / abs(after) if after else ZERO
            self.quantity = after
            return ZERO
        closed = min(abs(before), abs(signed))
        realized = (price - self.entry) * (closed if before > 0 else -closed)
        self.quantity = after
        if not after:
            self.entry = ZERO
        elif abs(signed) > abs(before):
            self.entry = price
        return realized


class Portfolio:
    """One route's account: wallet, positions and what was realised, net of fees and funding."""

    def __init__(self) -> None:
        self.wallet: Decimal | None = None
        """Balance without unrealised profit; None until the account was first read."""
        self.positions: dict[str, Position] = {}
        self.realized = ZERO
        self.fees = ZERO
        self.funding = ZERO
        self._seen: OrderedDict[str, None] = OrderedDict()

    def position(self, symbol: str) -> Position:
        position = self.positions.get(symbol)
        if position is None:
            position = self.positions[symbol] = Position()
        return position

    def seen(self, key: str) -> bool:
        """True, from the second time on, for the identity of an execution or a flow of money."""
        if key in self._seen:
            return True
        self._seen[key] = None
        if len(self._seen) > _SEEN:
            self._seen.popitem(last=False)
        return False

    def execute(self, fill: Fill) -> Decimal:
        """Book an execution; gives what it realised net of its fee. The caller has asked `seen` before."""
        position = self.position(fill.symbol)
        signed = fill.quantity if fill.side == "BUY" else -fill.quantity
        net = position.execute(signed, fill.price) - fill.fee_quote
        position.trip += net
        self.fees += fill.fee_quote
        self._receive(net)
        return net

    def pay(self, flow: CashFlow) -> None:
        """Book funding or a transfer. The caller has asked `seen` before."""
        if flow.kind == "transfer":
            self.wallet = None if self.wallet is None else self.wallet + flow.amount_quote
            return
        if flow.kind == "funding":
            self.funding += flow.amount_quote
        if flow.symbol:
            self.position(flow.symbol).trip += flow.amount_quote
        self._receive(flow.amount_quote)

    def equity(self, prices: dict[str, Decimal]) -> Decimal | None:
        """Wallet and unrealised profit; None while the wallet or the price of an open position is unknown."""
        total = self.wallet
        if total is None:
            return None
        for symbol, position in self.positions.items():
            if position.quantity:
                price = prices.get(symbol)
                if price is None:
                    return None
                total += position.unrealized(price)
        return total

    def differences(self, state: AccountState) -> tuple[str, ...]:
        """How the venue's positions differ from these, one sentence a symbol."""
        theirs = {position.symbol: position.quantity for position in state.positions if position.quantity}
        ours = {symbol: position.quantity for symbol, position in self.positions.items() if position.quantity}
        return tuple(
            f"{symbol}: the venue holds {theirs.get(symbol, ZERO)}, the bot counts {ours.get(symbol, ZERO)}"
            for symbol in sorted(theirs.keys() | ours.keys())
            if theirs.get(symbol, ZERO) != ours.get(symbol, ZERO)
        )

    def correct(self, wallet: Decimal) -> Decimal:
        """Take the venue's balance; what was not accounted for counts as realised. Gives the difference."""
        difference = ZERO if self.wallet is None else wallet - self.wallet
        self.realized += difference
        self.wallet = wallet
        return difference

    def adopt(self, state: AccountState) -> None:
        """Take the venue's word: positions, entry prices and wallet."""
        self.correct(state.wallet_quote)
        listed = {position.symbol: position for position in state.positions}
        for symbol in sorted(listed.keys() | self.positions.keys()):
            position, theirs = self.position(symbol), listed.get(symbol)
            if theirs is None or not theirs.quantity:
                position.quantity, position.entry, position.liquidation = ZERO, ZERO, None
            else:
                position.quantity, position.entry = theirs.quantity, theirs.entry_price
                position.liquidation = theirs.liquidation_price

    def _receive(self, amount: Decimal) -> None:
        self.realized += amount
        if self.wallet is not None:
            self.wallet += amount

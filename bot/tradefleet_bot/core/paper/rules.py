"""What the paper venue refuses at the door, with the codes of Binance USD-M."""

from decimal import Decimal

from tradefleet_bot.core.events import Instrument
from tradefleet_bot.core.orders.intent import OrderIntent
from tradefleet_bot.core.paper.liquidity import Liquidity


def refusal(
    intent: OrderIntent, *, rules: Instrument | None, market: Liquidity, position: Decimal, free: Decimal, leverage: int
) -> str | None:
    """Why the order is refused; None when it is accepted. `free`: margin not bound, in quote."""
    price = intent.price if intent.kind == "LIMIT" else intent.trigger
    if rules is None or market.bid is None or market.ask is None:
        return "-4131 there is no market for this symbol"
    if price is None or price <= 0 or price % rules.tick:
        return "-4014 price not increased by tick size"
    reduces = intent.reduce_only or intent.close_position
    if not intent.close_position:
        if intent.quantity <= 0 or intent.quantity % rules.lot:
            return "-1111 precision is over the maximum defined for this asset"
        if not reduces and intent.quantity < rules.min_quantity:
            return "-4003 quantity less than the minimum"
        if not reduces and intent.quantity * price < rules.min_notional:
            return f"-4164 order's notional must be no smaller than {rules.min_notional}"
    if intent.conditional:
        return _would_trigger(intent, market)
    if reduces and (position > 0) == (intent.side == "BUY"):
        return "-2022 ReduceOnly Order is rejected."
    if reduces and not position:
        return "-2022 ReduceOnly Order is rejected."
    if intent.time_in_force == "GTX" and _crosses(intent, market):
        return "-5022 the post-only order would take"
    if not reduces and intent.quantity * price / leverage > free:
        return "-2019 Margin is insufficient."
    return None


def _would_trigger(intent: OrderIntent, market: Liquidity) -> str | None:
    price = market.mark if intent.working_type == "MARK_PRICE" else market.last
    if price is None or intent.trigger is None:
        return None
    falls = (intent.side == "SELL") == (intent.kind == "STOP_MARKET")
    beyond = price <= intent.trigger if falls else price >= intent.trigger
    return "-2021 Order would immediately trigger." if beyond else None


def _crosses(intent: OrderIntent, market: Liquidity) -> bool:
    best = market.opposite(intent.side)
    if best is None or intent.price is None:
        return False
    return intent.price >= best if intent.side == "BUY" else intent.price <= best

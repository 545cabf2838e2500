"""The symbol's filters, checked in the venue's order, with the venue's words."""

from __future__ import annotations

from decimal import Decimal

from tradefleet_sim.binance.errors import ApiError
from tradefleet_sim.engine.orders import Side
from tradefleet_sim.engine.symbol import SymbolState
from tradefleet_sim.instruments import MONEY, Instrument

_PRECISION = ApiError(-1111, "Precision is over the maximum defined for this asset.")


def price_ticks(instrument: Instrument, price: Decimal, *, zero_code: int = -4001) -> int:
    """Whole ticks within the symbol's range."""
    if price <= 0:
        raise ApiError(zero_code, "Price less than or equal to zero." if zero_code == -4006 else "Price less than 0.")
    if _places(price) > instrument.price_decimals:
        raise _PRECISION
    ticks = instrument.ticks(price)
    if ticks is None:
        raise ApiError(-4014, "Price not increased by tick size.")
    if ticks > instrument.max_price:
        raise ApiError(-4002, "Price greater than max price.")
    if ticks < instrument.min_price:
        raise ApiError(-4013, "Price less than min price.")
    return ticks


def quantity_lots(instrument: Instrument, quantity: Decimal, *, market: bool) -> int:
    """Whole lots within the symbol's range."""
    if quantity <= 0:
        raise ApiError(-4003, "Quantity less than or equal to zero.")
    if _places(quantity) > instrument.lot_decimals:
        raise _PRECISION
    lots = instrument.lots(quantity)
    if lots is None:
        raise ApiError(-4023, "Quantity not increased by step size.")
    if lots > (instrument.max_market_lots if market else instrument.max_lots):
        raise ApiError(-4005, "Quantity greater than max quantity.")
    return lots


def price_band(symbol: SymbolState, side: Side, ticks: int) -> None:
    """PERCENT_PRICE: a buy not above mark × 1.05, a sell not below mark × 0.95."""
    mark, band = symbol.mark_ticks, symbol.instrument.price_band_ppm
    if mark is None:
        return
    limit = mark * (1_000_000 + side.sign * band) // 1_000_000
    if side is Side.BUY and ticks > limit:
        raise ApiError(-4016, f"Limit price can't be higher than {symbol.instrument.price_text(limit)}.")
    if side is Side.SELL and ticks < limit:
        raise ApiError(-4024, f"Limit price can't be lower than {symbol.instrument.price_text(limit)}.")


def min_notional(symbol: SymbolState, ticks: int | None, lots: int) -> None:
    """MIN_NOTIONAL at the order's price, or at the mark for a market order; waived for what only reduces."""
    instrument = symbol.instrument
    notional = symbol.mark_value(lots) if ticks is None else instrument.notional(ticks, lots)
    if notional < instrument.min_notional * MONEY:
        raise ApiError(
            -4164,
            f"Order's notional must be no smaller than {instrument.min_notional} (unless you choose reduce only).",
        )


def _places(value: Decimal) -> int:
    return max(0, -int(value.normalize().as_tuple().exponent))

"""GET /fapi/v1/exchangeInfo: the symbols, their filters and the venue's limits."""

from __future__ import annotations

from decimal import Decimal

from tradefleet_sim.binance.limits import ORDERS_A_MINUTE, ORDERS_TEN_SECONDS, WEIGHT_A_MINUTE
from tradefleet_sim.binance.views import Json
from tradefleet_sim.engine.orders import TimeInForce
from tradefleet_sim.instruments import Instrument


def exchange_info(instruments: list[Instrument], now: int) -> Json:
    limits = [
        ("REQUEST_WEIGHT", "MINUTE", 1, WEIGHT_A_MINUTE),
        ("ORDERS", "MINUTE", 1, ORDERS_A_MINUTE),
        ("ORDERS", "SECOND", 10, ORDERS_TEN_SECONDS),
    ]
    return {
        "timezone": "UTC",
        "serverTime": now,
        "futuresType": "U_MARGINED",
        "rateLimits": [
            {"rateLimitType": kind, "interval": interval, "intervalNum": number, "limit": limit}
            for kind, interval, number, limit in limits
        ],
        "exchangeFilters": [],
        "assets": [{"asset": "USDT", "marginAvailable": True, "autoAssetExchange": "-10000"}],
        "symbols": [_symbol_info(instrument) for instrument in instruments],
    }


def _symbol_info(instrument: Instrument) -> Json:
    price, lots = instrument.price_text, instrument.lots_text
    band = Decimal(instrument.price_band_ppm) / 1_000_000
    market = {"minQty": lots(1), "maxQty": lots(instrument.max_market_lots), "stepSize": lots(1)}
    return {
        "symbol": instrument.symbol,
        "pair": instrument.symbol,
        "contractType": "PERPETUAL",
        "deliveryDate": 4133404800000,
        "onboardDate": 1569398400000,
        "status": "TRADING",
        "maintMarginPercent": "2.5000",
        "requiredMarginPercent": "5.0000",
        "baseAsset": instrument.base,
        "quoteAsset": instrument.quote,
        "marginAsset": instrument.quote,
        "pricePrecision": instrument.price_decimals,
        "quantityPrecision": instrument.lot_decimals,
        "baseAssetPrecision": 8,
        "quotePrecision": 8,
        "underlyingType": "COIN",
        "underlyingSubType": ["PoW"],
        "triggerProtect": "0.0500",
        "liquidationFee": f"{Decimal(instrument.liquidation_fee_ppm) / 1_000_000:.6f}",
        "marketTakeBound": f"{band:.2f}",
        "filters": [
            {
                "filterType": "PRICE_FILTER",
                "minPrice": price(instrument.min_price),
                "maxPrice": price(instrument.max_price),
                "tickSize": price(1),
            },
            {"filterType": "LOT_SIZE", "minQty": lots(1), "maxQty": lots(instrument.max_lots), "stepSize": lots(1)},
            {"filterType": "MARKET_LOT_SIZE"} | market,
            {"filterType": "MAX_NUM_ORDERS", "limit": instrument.max_orders},
            {"filterType": "MIN_NOTIONAL", "notional": str(instrument.min_notional)},
            {
                "filterType": "PERCENT_PRICE",
                "multiplierUp": f"{1 + band:.4f}",
                "multiplierDown": f"{1 - band:.4f}",
                "multiplierDecimal": "4",
            },
            {"filterType": "POSITION_RISK_CONTROL", "positionControlSide": "NONE"},
        ],
        "orderTypes": ["LIMIT", "MARKET", "STOP", "STOP_MARKET", "TAKE_PROFIT", "TAKE_PROFIT_MARKET"],
        "timeInForce": [tif.value for tif in TimeInForce],
        "permissionSets": [],
    }

"""Engine values as the venue's REST objects. Decimals go out as text, ids and times as numbers."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from tradefleet_sim.engine import margin, risk
from tradefleet_sim.engine.accounts import Account, Income, Position
from tradefleet_sim.engine.algos import Algo
from tradefleet_sim.engine.exchange import Exchange
from tradefleet_sim.engine.orders import Fill, Order, Side, Status
from tradefleet_sim.engine.symbol import SymbolState
from tradefleet_sim.instruments import MONEY, Instrument, money_text

Json = dict[str, Any]


def average_price(instrument: Instrument, value: int, lots: int) -> str:
    """`value` is ticks × lots; '0' where nothing traded."""
    return f"{Decimal(value) * instrument.tick / lots:.5f}" if lots else "0"


def price_or_zero(instrument: Instrument, ticks: int) -> str:
    """'0' where there is no price, as the venue has it for market orders."""
    return instrument.price_text(ticks) if ticks else "0"


def entry_price(symbol: SymbolState, position: Position) -> Decimal:
    """USDT for one base unit, 0 without a position."""
    if not position.lots:
        return Decimal(0)
    return Decimal(position.cost) / MONEY / (position.lots * symbol.instrument.lot)


def break_even(symbol: SymbolState, position: Position) -> Decimal:
    if not position.lots:
        return Decimal(0)
    return Decimal(position.cost + position.fees) / MONEY / (position.lots * symbol.instrument.lot)


def mark_price(symbol: SymbolState) -> str:
    return money_text(symbol.mark or 0)


def order(instrument: Instrument, item: Order, *, full: bool = False) -> Json:
    """`full`: with average price, quote amount and creation time, as the queries have it."""
    view: Json = {
        "clientOrderId": item.client_id,
        "cumQty": instrument.lots_text(item.filled),
        "executedQty": instrument.lots_text(item.filled),
        "orderId": item.id,
        "origQty": instrument.lots_text(item.lots),
        "price": price_or_zero(instrument, item.price),
        "reduceOnly": item.reduce_only,
        "side": item.side.value,
        "positionSide": "BOTH",
        "status": item.status.value,
        "stopPrice": "0",
        "closePosition": item.close_position,
        "symbol": item.symbol,
        "timeInForce": item.time_in_force.value,
        "type": item.kind.value,
        "origType": item.kind.value,
        "updateTime": item.updated,
        "workingType": "CONTRACT_PRICE",
        "priceProtect": False,
        "priceMatch": "NONE",
        "selfTradePreventionMode": "EXPIRE_MAKER",
        "goodTillDate": 0,
    }
    if full:
        del view["cumQty"]
        view["avgPrice"] = average_price(instrument, item.value, item.filled)
        view["cumQuote"] = money_text(item.value * instrument.unit)
        view["time"] = item.created
    return view


def acknowledged(instrument: Instrument, item: Order) -> Json:
    """The ACK reply: the order as it was accepted, whatever became of it since."""
    zero = instrument.lots_text(0)
    view = order(instrument, item)
    return view | {
        "status": Status.NEW.value,
        "executedQty": zero,
        "cumQty": zero,
        "updateTime": item.created,
    }


def algo(instrument: Instrument, item: Algo) -> Json:
    request = item.request
    return {
        "algoId": item.id,
        "clientAlgoId": item.client_id,
        "algoType": "CONDITIONAL",
        "orderType": request.kind.value,
        "symbol": request.symbol,
        "side": request.side.value,
        "positionSide": "BOTH",
        "timeInForce": request.time_in_force.value,
        "quantity": instrument.lots_text(request.lots),
        "algoStatus": item.status.value,
        "actualOrderId": str(item.order_id) if item.order_id else "",
        "actualPrice": "0",
        "triggerPrice": instrument.price_text(request.trigger),
        "price": price_or_zero(instrument, request.price),
        "icebergQuantity": None,
        "selfTradePreventionMode": "EXPIRE_MAKER",
        "workingType": request.working.value,
        "priceMatch": "NONE",
        "closePosition": request.close_position,
        "priceProtect": request.price_protect,
        "reduceOnly": request.reduce_only,
        "activatePrice": "",
        "callbackRate": "",
        "createTime": item.created,
        "updateTime": item.updated,
        "triggerTime": item.triggered,
        "goodTillDate": 0,
    }


def user_trade(instrument: Instrument, item: Order, fill: Fill) -> Json:
    return {
        "buyer": item.side is Side.BUY,
        "commission": money_text(fill.fee),
        "commissionAsset": instrument.quote,
        "id": fill.trade_id,
        "maker": fill.maker,
        "orderId": item.id,
        "price": instrument.price_text(fill.price),
        "qty": instrument.lots_text(fill.lots),
        "quoteQty": money_text(instrument.notional(fill.price, fill.lots)),
        "realizedPnl": money_text(fill.realized),
        "side": item.side.value,
        "positionSide": "BOTH",
        "symbol": item.symbol,
        "time": fill.at,
    }


def income(item: Income) -> Json:
    return {
        "symbol": item.symbol,
        "incomeType": item.kind,
        "income": money_text(item.amount),
        "asset": "USDT",
        "info": item.kind,
        "time": item.at,
        "tranId": item.id,
        "tradeId": str(item.trade_id) if item.trade_id else "",
    }


def balance(exchange: Exchange, account: Account) -> list[Json]:
    health = exchange.health(account)
    return [
        {
            "accountAlias": account.alias,
            "asset": "USDT",
            "balance": money_text(account.wallet),
            "crossWalletBalance": money_text(account.wallet),
            "crossUnPnl": money_text(health.unrealized),
            "availableBalance": money_text(health.available),
            "maxWithdrawAmount": money_text(min(health.available, max(0, account.wallet))),
            "marginAvailable": True,
            "updateTime": account.updated,
        }
    ]


def account_view(exchange: Exchange, account: Account, *, all_positions: bool) -> Json:
    """GET /v3/account (only open positions), or /v2/account (all symbols, with leverage)."""
    health = exchange.health(account)
    totals = {
        "totalInitialMargin": money_text(health.initial_margin),
        "totalMaintMargin": money_text(health.maintenance_margin),
        "totalWalletBalance": money_text(health.wallet),
        "totalUnrealizedProfit": money_text(health.unrealized),
        "totalMarginBalance": money_text(health.equity),
        "totalPositionInitialMargin": money_text(health.position_margin),
        "totalOpenOrderInitialMargin": money_text(health.initial_margin - health.position_margin),
        "totalCrossWalletBalance": money_text(health.wallet),
        "totalCrossUnPnl": money_text(health.unrealized),
        "availableBalance": money_text(health.available),
        "maxWithdrawAmount": money_text(min(health.available, max(0, health.wallet))),
    }
    asset = {
        "asset": "USDT",
        "walletBalance": money_text(health.wallet),
        "unrealizedProfit": money_text(health.unrealized),
        "marginBalance": money_text(health.equity),
        "maintMargin": money_text(health.maintenance_margin),
        "initialMargin": money_text(health.initial_margin),
        "positionInitialMargin": money_text(health.position_margin),
        "openOrderInitialMargin": money_text(health.initial_margin - health.position_margin),
        "crossWalletBalance": money_text(health.wallet),
        "crossUnPnl": money_text(health.unrealized),
        "availableBalance": money_text(health.available),
        "maxWithdrawAmount": money_text(min(health.available, max(0, health.wallet))),
        "marginAvailable": True,
        "updateTime": account.updated,
    }
    positions = []
    for symbol in exchange.state.symbols.values():
        position = account.position(symbol.instrument.symbol)
        exposure = risk.exposure(account, symbol)
        if not (all_positions or position.lots or exposure.initial_margin):
            continue
        row: Json = {
            "symbol": symbol.instrument.symbol,
            "positionSide": "BOTH",
            "positionAmt": symbol.instrument.lots_text(position.lots),
            "unrealizedProfit": money_text(exposure.unrealized),
            "isolatedMargin": "0",
            "notional": money_text(exposure.position),
            "isolatedWallet": "0",
            "initialMargin": money_text(exposure.initial_margin),
            "maintMargin": money_text(exposure.maintenance_margin),
            "updateTime": position.updated,
        }
        if all_positions:
            row |= {
                "positionInitialMargin": money_text(exposure.position_margin),
                "openOrderInitialMargin": money_text(exposure.initial_margin - exposure.position_margin),
                "leverage": str(exposure.leverage),
                "isolated": False,
                "entryPrice": f"{entry_price(symbol, position):f}",
                "breakEvenPrice": f"{break_even(symbol, position):f}",
                "maxNotional": str(margin.maximum_notional(exposure.brackets, exposure.leverage)),
                "bidNotional": money_text(exposure.bids),
                "askNotional": money_text(exposure.asks),
            }
        positions.append(row)
    head: Json = {"feeTier": 0, "canTrade": True, "canDeposit": True, "canWithdraw": True, "updateTime": 0}
    head |= {"multiAssetsMargin": False, "tradeGroupId": -1}
    return (head if all_positions else {}) | totals | {"assets": [asset], "positions": positions}


def position_risk(exchange: Exchange, account: Account, symbol: SymbolState) -> Json:
    """GET /v3/positionRisk, one row."""
    position, exposure = account.position(symbol.instrument.symbol), risk.exposure(account, symbol)
    health = exchange.health(account)
    entry, amount = entry_price(symbol, position), position.lots * symbol.instrument.lot
    price = margin.liquidation_price(
        wallet=Decimal(account.wallet) / MONEY,
        amount=amount,
        entry=entry,
        table=exposure.brackets,
        other_maintenance=Decimal(health.maintenance_margin - exposure.maintenance_margin) / MONEY,
        other_unrealized=Decimal(health.unrealized - exposure.unrealized) / MONEY,
    )
    return {
        "symbol": symbol.instrument.symbol,
        "positionSide": "BOTH",
        "positionAmt": symbol.instrument.lots_text(position.lots),
        "entryPrice": f"{entry:.8f}",
        "breakEvenPrice": f"{break_even(symbol, position):.8f}",
        "markPrice": mark_price(symbol),
        "unRealizedProfit": money_text(exposure.unrealized),
        "liquidationPrice": "0" if price is None else f"{price:.8f}",
        "isolatedMargin": "0",
        "notional": money_text(exposure.position),
        "marginAsset": symbol.instrument.quote,
        "isolatedWallet": "0",
        "initialMargin": money_text(exposure.initial_margin),
        "maintMargin": money_text(exposure.maintenance_margin),
        "positionInitialMargin": money_text(exposure.position_margin),
        "openOrderInitialMargin": money_text(exposure.initial_margin - exposure.position_margin),
        "adl": 0,
        "bidNotional": money_text(exposure.bids),
        "askNotional": money_text(exposure.asks),
        "updateTime": position.updated,
    }

"""A judge from outside: the venue's own Python client, unmodified but for its base URL, trades on the simulator."""

import asyncio

import pytest
from binance_common.configuration import ConfigurationRestAPI
from binance_common.errors import BadRequestError
from binance_sdk_derivatives_trading_usds_futures.derivatives_trading_usds_futures import DerivativesTradingUsdsFutures

from tradefleet_sim.server import Config, Simulator

SYMBOL = {"symbol": "BTCUSDT"}


def trade(url: str) -> None:
    """What a bot does in a day; the client's own models refuse replies of the wrong shape."""
    configuration = ConfigurationRestAPI(api_key="judge", api_secret="tradefleet-sim", base_path=url, retries=0)
    rest = DerivativesTradingUsdsFutures(config_rest_api=configuration).rest_api
    (rules,) = rest.exchange_information().data().symbols
    assert (rules.symbol, rules.quantity_precision) == ("BTCUSDT", 3)
    book = rest.order_book(**SYMBOL, limit=5).data()
    assert float(book.bids[0][0]) < float(book.asks[0][0])
    assert float(rest.open_interest(**SYMBOL).data().open_interest) > 0
    far = round(float(book.bids[0][0]) * 0.98, 1)
    limit = {**SYMBOL, "side": "BUY", "type": "LIMIT", "time_in_force": "GTC", "price": far}
    placed = rest.new_order(**limit, quantity=0.01, new_client_order_id="judge-1").data()
    assert (placed.status, placed.client_order_id) == ("NEW", "judge-1")
    assert [order.order_id for order in rest.current_all_open_orders(**SYMBOL).data()] == [placed.order_id]
    with pytest.raises(BadRequestError, match="Margin is insufficient"):
        rest.new_order(**limit, quantity=10)
    assert rest.cancel_order(**SYMBOL, orig_client_order_id="judge-1").data().status == "CANCELED"
    market = {**SYMBOL, "side": "BUY", "type": "MARKET", "quantity": 0.01}
    done = rest.new_order(**market, new_order_resp_type="RESULT").data()
    assert (done.status, done.executed_qty) == ("FILLED", "0.010")
    found = rest.query_order(**SYMBOL, order_id=done.order_id).data()
    (fill,) = rest.account_trade_list(**SYMBOL).data()
    assert float(found.avg_price) == float(fill.price)
    (position,) = rest.position_information_v3().data()
    assert (position.position_amt, float(position.entry_price)) == ("0.010", float(fill.price))
    stop = {"algo_type": "CONDITIONAL", **SYMBOL, "side": "SELL", "type": "STOP_MARKET", "trigger_price": far}
    algo = rest.new_algo_order(**stop, close_position="true", client_algo_id="judge-stop").data()
    assert [item.algo_id for item in rest.current_all_algo_open_orders().data()] == [algo.algo_id]
    assert rest.cancel_algo_order(client_algo_id="judge-stop").data().algo_id == algo.algo_id
    assert rest.change_initial_leverage(**SYMBOL, leverage=7).data().leverage == 7
    (balance,) = rest.futures_account_balance_v3().data()
    account = rest.account_information_v3().data()
    assert float(balance.balance) == float(account.total_wallet_balance) == 10_000 - float(fill.commission)
    assert rest.start_user_data_stream().data().listen_key
    assert rest.ticker24hr_price_change_statistics(**SYMBOL)


async def test_the_venues_own_client_trades_here():
    async with Simulator(Config(port=0)) as sim:
        await asyncio.to_thread(trade, sim.url)

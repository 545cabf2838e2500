"""Where orders from above come from: the bot's own TradingBot in the cluster, or the configuration of a local run."""

import time
from collections.abc import Callable
from typing import Final

import structlog

from tradefleet_api.botconfig import BotConfig
from tradefleet_api.names import GROUP, VERSION
from tradefleet_bot.shell import kube
from tradefleet_bot.shell.orders import Orders

_log: Final = structlog.get_logger("orders")


class ClusterOrders:
    """Follows the TradingBot for ever; `changed` is called after each reading."""

    def __init__(
        self, api: kube.Api, config: BotConfig, uniform: Callable[[float, float], float], changed: Callable[[], None]
    ) -> None:
        self.orders = Orders(config.bot.arm)
        self._api = api
        self._name = config.bot.name
        self._path = f"/apis/{GROUP}/{VERSION}/namespaces/{config.bot.namespace}/tradingbots"
        self._uniform = uniform
        self._changed = changed

    async def run(self) -> None:
        """Read until cancelled."""
        async for seen in kube.follow(self._api, self._path, self._name, self._uniform, _failed):
            now = time.monotonic()
            if seen.known:
                self.orders.observe(seen.value, now)
            else:
                self.orders.read(now)
            self._changed()


def _failed(reason: str) -> None:
    _log.warning("the TradingBot cannot be read", reason=reason)

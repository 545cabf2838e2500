"""One bot process: starts in order, says why it is not ready, keeps trying, and ends within the pod's grace period.

    bundle → ledger and journal → venue (clock, instruments) → streams → engine, sockets, orders from above

On SIGTERM: no new decisions, commands on their way are settled, protective stops stay at the venue, journal and ledger
are flushed.
"""

import asyncio
import contextlib
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

import structlog

from tradefleet_api.botconfig import BotConfig
from tradefleet_api.botstatus import BotStatus
from tradefleet_api.refusal import RefusedError
from tradefleet_bot.shell import bundle, http, startup
from tradefleet_bot.shell.config import credentials
from tradefleet_bot.shell.figures import figures_of
from tradefleet_bot.shell.kube import Api
from tradefleet_bot.shell.metrics import Metrics
from tradefleet_bot.shell.startup import Startup
from tradefleet_bot.shell.status import metrics_of, report
from tradefleet_bot.shell.storage import Storage, open_storage
from tradefleet_bot.shell.trading import Trading
from tradefleet_bot.venues.binance.client import RestClient
from tradefleet_bot.venues.clock import VenueClock

if TYPE_CHECKING:
    from prometheus_client.core import Metric

LOOP_HANGS_AFTER: Final = 15.0
_log = structlog.get_logger("process")


class Process:
    """`await run()` returns the exit code, after SIGTERM or SIGINT."""

    def __init__(
        self,
        config: BotConfig,
        loader: bundle.Load,
        uniform: Callable[[float, float], float],
        api: Api | None,
    ) -> None:
        """`api` is the cluster's, for a configuration without orders. Raises RefusedError where the two cannot work."""
        self._config = config
        self._loader = loader
        self._uniform = uniform
        self._credentials = credentials(config)
        self._api = None if config.orders is not None else api
        if config.orders is None and self._api is None:
            raise RefusedError("there is no cluster to read orders from: set `orders` in the configuration")
        self._started_at = time.time()
        self._clock = VenueClock(time.monotonic_ns, time.time_ns)
        self._metrics = Metrics((config.bot.namespace, config.bot.name, config.bot.arm, config.model.name))
        self._metrics.source(self._figures)
        self._startup = Startup(uniform)
        self._digest = ""
        self._trading: Trading | None = None

    async def run(self) -> int:
        """Serve HTTP, start, trade, stop. Raises RefusedError where the port is taken."""
        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        try:
            listener = http.bound(self._config.http_host, self._config.http_port)
        except OSError as error:
            where = f"{self._config.http_host}:{self._config.http_port}"
            raise RefusedError(f"cannot serve HTTP on {where}: {error.strerror}") from error
        server = http.server(http.application(self._dead, self._not_ready, self._metrics.text, self._status))
        _log.info("http up", port=listener.getsockname()[1])
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        bot = asyncio.create_task(self._bot())
        stopping = asyncio.create_task(stop.wait())
        try:
            await asyncio.wait([bot, stopping], return_when=asyncio.FIRST_COMPLETED)
            if not bot.done():
                _log.info("stopping")
                if self._trading is not None:
                    await self._trading.settle()
                bot.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await bot
        except Exception:  # noqa: BLE001 - the last stand: said in the log as one event, and the pod starts anew
            _log.exception("broken")
            return 1
        finally:
            stopping.cancel()
            server.should_exit = True
            await serving
        _log.info("stopped")
        return 0

    async def _bot(self) -> None:
        """From nothing to trading; runs until cancelled."""
        config, step = self._config, self._startup.step
        model = await step("bundle", lambda: startup.model(config, self._loader))
        self._digest = model.digest
        with contextlib.ExitStack() as stack:
            storage = await step("storage", lambda: self._open_storage(stack))
            async with RestClient(config.venue.rest, self._clock, self._credentials) as client:
                await step("venue", client.sync_clock)
                instruments = await step("venue", lambda: startup.instruments(config, client))
                await step("feed", lambda: startup.check_streams(config, client, model))
                self._trading = Trading(config, model, client, storage, metrics=self._metrics, uniform=self._uniform)
                self._startup.waiting_for = None
                try:
                    await self._trading.run(instruments, self._api, has_account=self._credentials is not None)
                finally:
                    await self._trading.close()

    async def _open_storage(self, stack: contextlib.ExitStack) -> Storage:
        with contextlib.ExitStack() as opened:
            run = f"{int(self._started_at * 1000):013d}"
            storage = open_storage(Path(self._config.data_path), run, opened)
            stack.push(opened.pop_all())
            return storage

    # -- what HTTP says ------------------------------------------------------------------------------------------------
    def _dead(self) -> str | None:
        if self._trading is not None and time.monotonic() - self._trading.loop.beat > LOOP_HANGS_AFTER:
            return "the engine's loop does not turn"
        return None

    def _not_ready(self) -> str | None:
        if self._startup.waiting_for is not None or self._trading is None:
            return self._startup.waiting_for or "starting"
        return self._trading.not_connected()

    def _status(self) -> BotStatus | None:
        trading = self._trading
        if trading is None:
            return None
        return report(
            self._config,
            trading.desk.engine.snapshot(),
            digest=self._digest,
            started_at=self._started_at,
            fault=trading.authority.fault,
        )

    def _figures(self, metrics: Metrics) -> Iterator["Metric"]:
        yield from metrics.gauge(
            "model_loaded", "1 once the bundle is loaded and its digest verified.", bool(self._digest)
        )
        trading = self._trading
        if trading is not None:
            yield from metrics_of(trading.desk.engine.snapshot(), metrics)
            yield from figures_of(trading, metrics)

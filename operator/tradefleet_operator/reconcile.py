"""observe → plan → apply for one key, measured; and the workers that do it for all keys."""

import time
from collections.abc import Callable

import structlog

from tradefleet_operator.apply import Executor
from tradefleet_operator.keys import Key
from tradefleet_operator.kube.errors import KubeError, RetryError
from tradefleet_operator.metrics import RECONCILE_ERRORS, RECONCILE_TIME, RECONCILES, WORKED
from tradefleet_operator.observe import Observer
from tradefleet_operator.plan.bot import plan
from tradefleet_operator.plan.model import plan_model
from tradefleet_operator.workqueue import NAME, WorkQueue

log = structlog.get_logger(__name__)


class Reconciler:
    """Works on keys of the queue until it is cancelled."""

    def __init__(
        self, queue: WorkQueue[Key], observer: Observer, executor: Executor, clock: Callable[[], float]
    ) -> None:
        self._queue, self._observer, self._executor, self._clock = queue, observer, executor, clock

    async def work(self) -> None:
        """One worker; several may run, never two on the same key."""
        while True:
            key = await self._queue.get()
            started = time.monotonic()
            result = "error"
            try:
                result = await self._turn(key)
            finally:
                taken = time.monotonic() - started
                WORKED.labels(NAME).observe(taken)
                RECONCILE_TIME.labels(key.kind).observe(taken)
                RECONCILES.labels(key.kind, result).inc()
                self._queue.done(key)

    async def _turn(self, key: Key) -> str:
        try:
            again = await self.reconcile(key)
        except RetryError as error:
            log.info("again", key=str(key.ref), error=str(error), seconds=self._queue.retry(key))
        except KubeError as error:
            log.error("refused by the API", key=str(key.ref), error=str(error), seconds=self._queue.retry(key))
        except Exception:
            log.exception("failed", key=str(key.ref), seconds=self._queue.retry(key))
        else:
            self._queue.forget(key)
            if again is None:
                return "success"
            self._queue.add_after(key, again)
            return "requeue_after"
        RECONCILE_ERRORS.labels(key.kind).inc()
        return "error"

    async def reconcile(self, key: Key) -> float | None:
        """One pass; returns after how many seconds to look again, None: on events only."""
        if key.kind == "TradingBot":
            bot = await self._observer.bot(key)
            if bot is None:
                return None
            decided, meta = plan(bot, self._clock()), bot.meta
        else:
            model = await self._observer.model(key)
            if model is None:
                return None
            decided, meta = plan_model(model, self._clock()), model.meta
        await self._executor.apply(key, meta, decided)
        return decided.requeue_after

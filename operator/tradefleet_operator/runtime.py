"""The operator's process: wait for leadership, learn the cluster, then let kopf's watches and the workers run."""

import asyncio
import contextlib
import signal
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterable
from typing import Final, cast

import aiohttp
import kopf
import structlog

from tradefleet_operator.actions import Json, Kind
from tradefleet_operator.apply import Executor
from tradefleet_operator.elector import Elector, LeadershipLostError
from tradefleet_operator.handlers import registry
from tradefleet_operator.handlers import settings as kopf_settings
from tradefleet_operator.keys import Key, part
from tradefleet_operator.kube.client import Client
from tradefleet_operator.kube.connection import Connection
from tradefleet_operator.kube.errors import KubeError
from tradefleet_operator.kube.resources import RESOURCES
from tradefleet_operator.metrics import BOTS, EVENT_AGE
from tradefleet_operator.observe import Foreign, Observer
from tradefleet_operator.poll import Poller
from tradefleet_operator.reconcile import Reconciler
from tradefleet_operator.server import serving
from tradefleet_operator.settings import Settings
from tradefleet_operator.store import Store, roots
from tradefleet_operator.workqueue import WorkQueue

log = structlog.get_logger(__name__)

_RESYNC: Final = 300.0
"""Seconds between two full lists: a watch that was cut may have missed a deletion."""
_STUCK: Final = 120.0
_DEAF: Final = 90.0


class Operator:
    """All parts of one process, wired once."""

    def __init__(self, settings: Settings, connection: Connection) -> None:
        self._settings, self._connection = settings, connection
        self._store = Store()
        self._queue: WorkQueue[Key] = WorkQueue(time.monotonic)
        self._written: dict[Kind, float] = {}
        """Kinds of which a write has not been heard back yet, and since when."""
        self._elector: Elector | None = None

    async def run(self) -> int:
        """Until told to stop (0) or until leadership is lost (1); the pod then starts anew."""
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, stop.set)
        settings = self._settings
        ports = settings.metrics_port, settings.health_port
        async with Client(self._connection) as client, serving(settings.host, *ports, self.trouble):
            self._elector = Elector(client, settings.namespace, settings.lease, settings.identity)
            election = asyncio.create_task(self._elector.run(), name="election")
            stopped = asyncio.create_task(stop.wait(), name="stop")
            leading = asyncio.create_task(self._elector.leading.wait(), name="leading")
            work: asyncio.Task[None] | None = None
            try:
                await asyncio.wait({election, stopped, leading}, return_when=asyncio.FIRST_COMPLETED)
                if leading.done() and not stopped.done() and not election.done():
                    work = asyncio.create_task(self._lead(client), name="work")
                    await asyncio.wait({election, work, stopped}, return_when=asyncio.FIRST_COMPLETED)
                return self._outcome(election, work)
            finally:
                await _cancel(work, election, stopped, leading)
                if not election.done() or election.cancelled():
                    await self._elector.release()

    def trouble(self) -> str | None:
        """Why this process should be restarted; None while it is well."""
        if self._queue.stuck_for() > _STUCK:
            return f"no key was finished for {self._queue.stuck_for():.0f} s although some wait"
        for kind, at in self._written.items():
            if time.monotonic() - at > _DEAF:
                return f"the watch of {kind} is deaf: it has not told of a write {time.monotonic() - at:.0f} s ago"
        if self._elector is not None and time.monotonic() - self._elector.tried_at > _STUCK:
            return "leader election does not move"
        return None

    @staticmethod
    def _outcome(election: asyncio.Task[None], work: asyncio.Task[None] | None) -> int:
        if election.done() and (error := election.exception()) is not None:
            log.error("stopping", error=str(error))
            if not isinstance(error, LeadershipLostError):
                raise error
            return 1
        if work is not None and work.done():
            work.result()  # kopf ends without an error only when it was told to stop
        log.info("stopping", error="")
        return 0

    async def _lead(self, client: Client) -> None:
        """Work as the leader until kopf is told to stop or a part fails."""
        settings = self._settings
        foreign = Foreign(client, time.monotonic)
        async with aiohttp.ClientSession() as session:
            poller = Poller(session, time.time, settings.defaults.bot_port, self._queue.add)
            observer = Observer(self._store, client, poller, foreign, settings.defaults)
            executor = Executor(client, self._store, foreign, news=self._wrote, me=settings.identity)
            reconciler = Reconciler(self._queue, observer, executor, time.time)
            await self._learn(client)
            helpers = [asyncio.create_task(reconciler.work(), name=f"worker-{n}") for n in range(settings.workers)]
            helpers.append(asyncio.create_task(self._housekeeping(client, poller), name="housekeeping"))
            watches = asyncio.create_task(self._watch(), name="watches")
            try:
                done, _ = await asyncio.wait({watches, *helpers}, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    task.result()
            finally:
                await _cancel(watches, *helpers)
                await poller.close()

    async def _watch(self) -> None:
        namespaces = self._settings.namespaces
        await kopf.operator(
            registry=registry(self._connection, self._seen),
            settings=kopf_settings(),
            standalone=True,
            clusterwide=not namespaces,
            namespaces=namespaces,
        )

    def _wrote(self, kind: Kind, concerned: Iterable[Key]) -> None:
        for key in concerned:
            self._written.setdefault(kind, time.monotonic())
            self._queue.add(key)

    def _seen(self, item: Json, gone: bool) -> None:
        self._written.pop(cast("Kind", item["kind"]), None)
        EVENT_AGE.set(time.time())
        for key in self._store.drop(item) if gone else self._store.put(item):
            self._queue.add(key)

    async def _learn(self, client: Client) -> None:
        """List everything before the first decision: half-known is not missing."""
        while True:
            try:
                await self._resync(client)
            except KubeError as error:
                log.warning("the cluster cannot be listed yet", error=str(error))
                await asyncio.sleep(2)
            else:
                log.info("cluster known", keys=len(self._queue))
                return

    async def _resync(self, client: Client) -> None:
        """Take every object as it is, forget those that are gone, and look at every key once."""
        self._store.bury()
        for kind in RESOURCES:
            before = {str(part(item, "metadata").get("uid")): item for item in self._store.of_kind(kind)}
            async for item in self._listed(client, kind):
                before.pop(str(part(item, "metadata").get("uid")), None)
                for key in self._store.put(item):
                    self._queue.add(key)
            for item in before.values():
                for key in self._store.drop(item):
                    self._queue.add(key)
        for key in roots([*self._store.of_kind("TradingBot"), *self._store.of_kind("ModelVersion")]):
            self._queue.add(key)

    async def _listed(self, client: Client, kind: Kind) -> AsyncIterator[Json]:
        for namespace in self._settings.namespaces or (None,):
            async for page in client.pages(kind, namespace):
                for item in page:
                    yield item

    async def _housekeeping(self, client: Client, poller: Poller) -> None:
        """What nobody waits for: full lists from time to time, counts for the metrics, forgetting old pods."""
        resync_at = time.monotonic() + _RESYNC
        while True:
            await asyncio.sleep(10)
            phases = Counter(
                (str(part(bot, "metadata").get("namespace")), str(part(bot, "status").get("phase") or "Unknown"))
                for bot in self._store.of_kind("TradingBot")
            )
            BOTS.clear()
            for labels, count in phases.items():
                BOTS.labels(*labels).set(count)
            poller.keep({str(part(pod, "metadata").get("uid")) for pod in self._store.of_kind("Pod")})
            if time.monotonic() >= resync_at:
                with contextlib.suppress(KubeError):  # the next one comes in time
                    await self._resync(client)
                resync_at = time.monotonic() + _RESYNC


async def _cancel(*tasks: asyncio.Task[None] | asyncio.Task[bool] | asyncio.Task[object] | None) -> None:
    for task in tasks:
        if task is not None:
            task.cancel()
    await asyncio.gather(*(task for task in tasks if task is not None), return_exceptions=True)

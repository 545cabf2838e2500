"""Ask bots for their /status: by pod address, seldom unless somebody waits, never longer than a moment."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

import aiohttp
from pydantic import ValidationError

from tradefleet_api.botstatus import BotStatus
from tradefleet_operator.keys import Key
from tradefleet_operator.metrics import POLLS
from tradefleet_operator.observed import PodView, Report

_TIMEOUT: Final = aiohttp.ClientTimeout(total=2.0)
_MAX_BYTES: Final = 1_000_000
_PATIENCE: Final = 0.15
"""Seconds that a reconciliation waits for a bot that it has heard of before."""


@dataclass(frozen=True)
class _Asked:
    tried: float
    report: Report


class Poller:
    """Remembers the last answer of each pod; a bot that is slow or gone holds nobody up."""

    def __init__(
        self, session: aiohttp.ClientSession, clock: Callable[[], float], port: int, answered: Callable[[Key], None]
    ) -> None:
        self._session, self._clock, self._port, self._answered = session, clock, port, answered
        self._asked: dict[str, _Asked] = {}
        self._asking: dict[str, asyncio.Task[None]] = {}

    async def report(self, key: Key, pod: PodView, interval: float) -> Report | None:
        """The last report, asked for anew when it is older than `interval` (seconds); None before a pod has an address.

        An answer that is late is announced to `answered`. Only the first answer of a pod is waited for: an operator
        that has just started must not take a bot for silent that it has not asked.
        """
        known = self._asked.get(pod.uid)
        now = self._clock()
        if pod.ip is not None and (known is None or not 0 <= now - known.tried < interval):
            task = self._asking.get(pod.uid)
            if task is None:
                task = self._asking[pod.uid] = asyncio.create_task(self._ask(pod.uid, pod.ip), name=f"ask {pod.name}")
            await asyncio.wait({task}, timeout=None if known is None else _PATIENCE)
            if not task.done():
                task.add_done_callback(lambda _: self._answered(key))
            known = self._asked.get(pod.uid)
        return known.report if known is not None else None

    async def close(self) -> None:
        """Ask no more."""
        asking = list(self._asking.values())
        for task in asking:
            task.cancel()
        await asyncio.gather(*asking, return_exceptions=True)

    def keep(self, uids: set[str]) -> None:
        """Forget all pods but these."""
        for uid in self._asked.keys() - uids:
            del self._asked[uid]

    async def _ask(self, uid: str, ip: str) -> None:
        tried = self._clock()
        try:
            status, error = await self._get(ip)
        finally:
            self._asking.pop(uid, None)
        POLLS.labels("ok" if status is not None else "error").inc()
        before = self._asked.get(uid)
        if status is not None:
            report = Report(self._clock(), status)
        elif before is not None:
            report = replace(before.report, error=error)
        else:
            report = Report(self._clock(), None, error)
        self._asked[uid] = _Asked(tried, report)

    async def _get(self, ip: str) -> tuple[BotStatus | None, str]:
        host = f"[{ip}]" if ":" in ip else ip
        try:
            async with self._session.get(f"http://{host}:{self._port}/status", timeout=_TIMEOUT) as response:
                if response.status != 200:
                    return None, f"HTTP {response.status}"
                text = await response.content.read(_MAX_BYTES)
            # A bot of a later release may say more than this operator understands.
            return BotStatus.model_validate_json(text, extra="ignore"), ""
        except (TimeoutError, aiohttp.ClientError, OSError) as error:
            return None, type(error).__name__
        except ValidationError as error:
            return None, f"not understood: {error.error_count()} faults"

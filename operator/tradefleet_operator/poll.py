"""Ask bots for their /status: by pod address, seldom unless somebody waits, never longer than a moment."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

import aiohttp
from pydantic import ValidationError

from tradefleet_api.botstatus import BotStatus
from tradefleet_operator.metrics import POLLS
from tradefleet_operator.observed import PodView, Report

_TIMEOUT: Final = aiohttp.ClientTimeout(total=2.0)
_MAX_BYTES: Final = 1_000_000


@dataclass(frozen=True)
class _Asked:
    tried: float
    report: Report


class Poller:
    """Remembers the last answer of each pod; a pod that is gone is forgotten with `keep`."""

    def __init__(self, session: aiohttp.ClientSession, clock: Callable[[], float], port: int) -> None:
        self._session, self._clock, self._port = session, clock, port
        self._asked: dict[str, _Asked] = {}

    async def report(self, pod: PodView, interval: float) -> Report | None:
        """The last report, renewed when it is older than `interval` (seconds); None before a pod has an address."""
        known = self._asked.get(pod.uid)
        now = self._clock()
        if pod.ip is None or (known is not None and 0 <= now - known.tried < interval):
            return known.report if known is not None else None
        status, error = await self._ask(pod.ip)
        at = self._clock()
        POLLS.labels("ok" if status is not None else "error").inc()
        if status is not None:
            report = Report(at, status)
        elif known is not None:
            report = replace(known.report, error=error)
        else:
            report = Report(at, None, error)
        self._asked[pod.uid] = _Asked(now, report)
        return report

    def keep(self, uids: set[str]) -> None:
        """Forget all pods but these."""
        for uid in self._asked.keys() - uids:
            del self._asked[uid]

    async def _ask(self, ip: str) -> tuple[BotStatus | None, str]:
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

"""The shell of leader election: reads and writes the Lease, tells when leadership begins and when it is lost."""

import asyncio
import time
from datetime import UTC, datetime

import structlog

from tradefleet_operator.actions import Json
from tradefleet_operator.election import LEASE, RETRY, Move, Record, Seen, decide, look, lost
from tradefleet_operator.keys import part
from tradefleet_operator.kube.client import Client
from tradefleet_operator.kube.errors import ConflictError, KubeError
from tradefleet_operator.kube.resources import LEASES
from tradefleet_operator.metrics import LEADER

log = structlog.get_logger(__name__)


class LeadershipLostError(Exception):
    """The Lease could not be renewed in time, or somebody else holds it: this process must end."""


class Elector:
    """One candidate for one Lease."""

    def __init__(self, client: Client, namespace: str, name: str, me: str) -> None:
        self._client, self._namespace, self._name, self._me = client, namespace, name, me
        self._seen: Seen | None = None
        self._renewed: float | None = None
        self.leading = asyncio.Event()
        self.tried_at = time.monotonic()
        LEADER.labels(name).set(0)

    async def run(self) -> None:
        """Until cancelled, or until leadership that was won is lost.

        Raises LeadershipLostError.
        """
        while True:
            try:
                async with asyncio.timeout(LEASE / 4):
                    await self._turn()
            except (KubeError, TimeoutError) as error:
                log.info("lease not written", error=str(error) or "timeout")
            self.tried_at = time.monotonic()
            if self._renewed is not None and lost(self._renewed, time.monotonic()):
                raise LeadershipLostError(f"the lease {self._name} was not renewed in time")
            await asyncio.sleep(RETRY)

    async def release(self) -> None:
        """Let another replica start at once; only after the work has ended."""
        if self._renewed is None or self._seen is None or self._seen.record is None:
            return
        self._renewed = None
        LEADER.labels(self._name).set(0)
        record = self._seen.record
        try:
            await self._write(Record("", record.transitions, record.version), seconds=1)
        except KubeError as error:
            log.info("lease not released", error=str(error))

    async def _turn(self) -> None:
        started = time.monotonic()
        lease = await self._client.request("GET", self._path(self._name), absent_ok=True)
        record = None if lease is None else _record(lease)
        self._seen = look(self._seen, record, started)
        move = decide(self._seen, self._me, started)
        if self._renewed is not None and move.kind != "renew":
            raise LeadershipLostError(f"the lease {self._name} is held by {record.holder if record else 'nobody'}")
        if move.kind == "wait":
            return
        try:
            await self._carry_out(move, record)
        except ConflictError:
            return  # somebody was faster; the next turn sees who
        if self._renewed is None:
            log.info("leading", lease=self._name, me=self._me)
        self._renewed = started
        LEADER.labels(self._name).set(1)
        self.leading.set()

    async def _carry_out(self, move: Move, record: Record | None) -> None:
        written = Record(self._me, move.transitions, record.version if record is not None else "")
        await self._write(written, seconds=int(LEASE), acquired=move.kind != "renew")

    async def _write(self, record: Record, seconds: int, *, acquired: bool = False) -> None:
        now = datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
        spec: Json = {
            "holderIdentity": record.holder,
            "leaseDurationSeconds": seconds,
            "leaseTransitions": record.transitions,
            "renewTime": now,
        }
        if acquired:
            spec["acquireTime"] = now
        metadata: Json = {"name": self._name, "namespace": self._namespace}
        body: Json = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": metadata, "spec": spec}
        if record.version:
            metadata["resourceVersion"] = record.version
            content = {"Content-Type": "application/merge-patch+json"}
            answer = await self._client.request("PATCH", self._path(self._name), body, headers=content)
        else:
            answer = await self._client.request("POST", self._path(None), body)
        if answer is not None:
            self._seen = look(self._seen, _record(answer), time.monotonic())

    def _path(self, name: str | None) -> str:
        return LEASES.path(self._namespace, name)


def _record(lease: Json) -> Record:
    spec = part(lease, "spec")
    transitions = spec.get("leaseTransitions")
    return Record(
        holder=str(spec.get("holderIdentity") or ""),
        transitions=transitions if isinstance(transitions, int) else 0,
        version=str(part(lease, "metadata").get("resourceVersion", "")),
    )

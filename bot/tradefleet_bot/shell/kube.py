"""Reads and watches one object of the Kubernetes API with the pod's own ServiceAccount: no client library needed.

https://kubernetes.io/docs/reference/using-api/api-concepts/#efficient-detection-of-changes: list, then watch from its
resourceVersion, with bookmarks; an expired version (410) lists anew. The token is read again for each request, because
the kubelet rotates it.
"""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import aiohttp
import msgspec

from tradefleet_bot.venues.backoff import Backoff

SERVICE_ACCOUNT: Final = Path("/var/run/secrets/kubernetes.io/serviceaccount")
WATCH_SECONDS: Final = 20
"""A watch ends and is opened again this often: each opening proves that the API can be read."""
MAX_LINE: Final = 8 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Api:
    """Where the API server is, and how to be let in."""

    url: str
    token_file: Path | None
    ca_file: Path | None

    @classmethod
    def in_cluster(cls, environment: Mapping[str, str]) -> "Api | None":
        """The API of the cluster this pod runs in; None outside of one."""
        host, port = environment.get("KUBERNETES_SERVICE_HOST"), environment.get("KUBERNETES_SERVICE_PORT", "443")
        if not host:
            return None
        host = f"[{host}]" if ":" in host else host
        return cls(f"https://{host}:{port}", SERVICE_ACCOUNT / "token", SERVICE_ACCOUNT / "ca.crt")

    def headers(self) -> dict[str, str]:
        """Authorization with the token as it is now."""
        return {} if self.token_file is None else {"Authorization": f"Bearer {self.token_file.read_text().strip()}"}

    def tls(self) -> ssl.SSLContext | bool:
        """Trust in the API server's certificate."""
        return ssl.create_default_context(cafile=self.ca_file) if self.ca_file is not None else True


class ApiError(Exception):
    """The API could not be read; one sentence."""


@dataclass(frozen=True, slots=True)
class Seen:
    """The API answered. `known` says that `value` is the object as it is now (None: there is none)."""

    known: bool
    value: dict[str, Any] | None = None


async def follow(
    api: Api, collection: str, name: str, uniform: Callable[[float, float], float], failed: Callable[[str], None]
) -> AsyncIterator[Seen]:
    """Everything that can be learned about one object, for ever; failures are told to `failed` and retried.

    `collection` is the URL path of the namespaced collection, e.g.
    `/apis/tradefleet.dev/v1alpha1/namespaces/n/tradingbots`.
    """
    backoff = Backoff(uniform, base=0.2, cap=10)
    timeout = aiohttp.ClientTimeout(total=None, connect=5, sock_read=WATCH_SECONDS + 10)
    selector = {"fieldSelector": f"metadata.name={name}"}
    connector = aiohttp.TCPConnector(ssl=api.tls())
    async with aiohttp.ClientSession(api.url, timeout=timeout, connector=connector, read_bufsize=2**16) as session:
        version: str | None = None
        while True:
            try:
                if version is None:
                    listed = msgspec.json.decode(await _get(session, api, collection, selector))
                    version = listed["metadata"]["resourceVersion"]
                    yield Seen(known=True, value=next(iter(listed["items"]), None))
                watch = selector | {
                    "watch": "1", "resourceVersion": version, "allowWatchBookmarks": "true",
                    "timeoutSeconds": str(WATCH_SECONDS),
                }  # fmt: skip
                async with session.get(collection, params=watch, headers=api.headers()) as reply:
                    await _check(reply)
                    yield Seen(known=False)
                    backoff.reset()
                    async for line in _lines(reply):
                        event = msgspec.json.decode(line)
                        kind, item = event["type"], event["object"]
                        if kind == "ERROR":
                            version = None
                            break
                        version = item["metadata"]["resourceVersion"]
                        if kind == "BOOKMARK":
                            yield Seen(known=False)
                        else:
                            yield Seen(known=True, value=None if kind == "DELETED" else item)
            except (ApiError, aiohttp.ClientError, OSError, TimeoutError, msgspec.DecodeError, LookupError) as error:
                version = None
                failed(f"{type(error).__name__}: {error}")
                await asyncio.sleep(backoff.next())


async def _get(session: aiohttp.ClientSession, api: Api, path: str, params: dict[str, str]) -> bytes:
    async with session.get(path, params=params, headers=api.headers()) as reply:
        await _check(reply)
        return await reply.read()


async def _check(reply: aiohttp.ClientResponse) -> None:
    if reply.status != 200:
        raise ApiError(f"HTTP {reply.status} {(await reply.text())[:200]}")


async def _lines(reply: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
    rest = b""
    async for chunk in reply.content.iter_any():
        rest += chunk
        if len(rest) > MAX_LINE:
            raise ApiError(f"a watch event is larger than {MAX_LINE} bytes")
        *lines, rest = rest.split(b"\n")
        for line in lines:
            if line:
                yield line

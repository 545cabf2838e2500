"""A small asynchronous client of the Kubernetes API: JSON in, JSON out, errors in two families."""

import json
from collections.abc import AsyncIterator, Mapping
from typing import Final, Self

import aiohttp

from tradefleet_api.names import FIELD_MANAGER
from tradefleet_operator.actions import Json, Kind, Ref
from tradefleet_operator.kube.connection import Connection
from tradefleet_operator.kube.errors import RetryError, family
from tradefleet_operator.kube.resources import RESOURCES
from tradefleet_operator.metrics import API_REQUESTS

TIMEOUT: Final = aiohttp.ClientTimeout(total=12, connect=4)
_PAGE: Final = 250
_CONNECTIONS: Final = 16
_METADATA_ONLY: Final = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json"


class Client:
    """One session; use it as an asynchronous context manager."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        connector = aiohttp.TCPConnector(ssl=self._connection.ssl_context(), limit=_CONNECTIONS)
        self._session = aiohttp.ClientSession(connector=connector, timeout=TIMEOUT)
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._session is not None:
            await self._session.close()

    async def get(self, ref: Ref, *, metadata_only: bool = False) -> Json | None:
        """The object, or None where there is none."""
        accept = {"Accept": _METADATA_ONLY} if metadata_only else None
        return await self.request("GET", _path(ref), headers=accept, absent_ok=True)

    async def apply(self, ref: Ref, manifest: Json) -> Json:
        """Server-side apply as the operator's field manager; its own fields are taken back from anyone else."""
        query = {"fieldManager": FIELD_MANAGER, "force": "true"}
        content = {"Content-Type": "application/apply-patch+yaml"}
        return await self._must("PATCH", _path(ref), manifest, query=query, headers=content)

    async def merge(self, ref: Ref, patch: Json, subresource: str | None = None) -> Json:
        """RFC 7386 merge patch; with `metadata.resourceVersion` in it, refused if the object changed meanwhile."""
        content = {"Content-Type": "application/merge-patch+json"}
        query = {"fieldManager": FIELD_MANAGER}
        return await self._must("PATCH", _path(ref, subresource), patch, query=query, headers=content)

    async def delete(self, ref: Ref, uid: str) -> Json | None:
        """Delete exactly this object, its dependents after it; None where it is gone already."""
        options: Json = {"propagationPolicy": "Background", "preconditions": {"uid": uid}}
        return await self.request("DELETE", _path(ref), options, absent_ok=True)

    async def pages(self, kind: Kind, namespace: str | None) -> AsyncIterator[list[Json]]:
        """All objects of a kind that the operator watches, page by page."""
        resource = RESOURCES[kind]
        query = {"limit": str(_PAGE)}
        if resource.selector:
            query["labelSelector"] = resource.selector
        while True:
            page = await self._must("GET", resource.path(namespace), query=query)
            items = page.get("items")
            yield [{**item, "kind": kind} for item in items] if isinstance(items, list) else []  # a list omits it
            metadata = page.get("metadata")
            following = metadata.get("continue") if isinstance(metadata, dict) else None
            if not following:
                return
            query["continue"] = str(following)

    async def _must(
        self, method: str, path: str, body: Json | None = None, *,
        query: Mapping[str, str] | None = None, headers: Mapping[str, str] | None = None,
    ) -> Json:  # fmt: skip
        answer = await self.request(method, path, body, query=query, headers=headers)
        if answer is None:
            raise RetryError(f"{method} {path}: empty answer")
        return answer

    async def request(
        self, method: str, path: str, body: Json | None = None, *,
        query: Mapping[str, str] | None = None, headers: Mapping[str, str] | None = None, absent_ok: bool = False,
    ) -> Json | None:  # fmt: skip
        """One request; None for 404 where that is an answer.

        Raises RetryError or StopError with the API's own message.
        """
        if self._session is None:
            raise RuntimeError("the client is used outside of its context")
        token = self._connection.token()
        sent = {"Accept": "application/json", "Content-Type": "application/json", **(headers or {})}
        if token:
            sent["Authorization"] = f"Bearer {token}"
        data = None if body is None else json.dumps(body).encode()
        url = self._connection.server + path
        try:
            async with self._session.request(method, url, data=data, params=query, headers=sent) as response:
                API_REQUESTS.labels(str(response.status), method, url.split("/")[2]).inc()
                text = await response.read()
        except (TimeoutError, aiohttp.ClientError, OSError) as error:
            API_REQUESTS.labels("<error>", method, url.split("/")[2]).inc()
            raise RetryError(f"{method} {path}: {type(error).__name__} {error}") from error
        if response.status == 404 and absent_ok:
            return None
        answer = _json(text)
        if response.status >= 400:
            why = answer.get("message") or text[:200].decode(errors="replace")
            raise family(response.status)(f"{method} {path}: {response.status} {why}")
        return answer


def _path(ref: Ref, subresource: str | None = None) -> str:
    return RESOURCES[ref.kind].path(ref.namespace, ref.name, subresource)


def _json(text: bytes) -> Json:
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}

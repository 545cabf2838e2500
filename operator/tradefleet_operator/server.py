"""HTTP of the operator: metrics for Prometheus, health for the kubelet."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

Health = Callable[[], str | None]
"""Why the process should be restarted, in one sentence; None while it is well."""


@asynccontextmanager
async def serving(host: str, metrics_port: int, health_port: int, health: Health) -> AsyncIterator[None]:
    """Serve both ports while the context is open."""

    async def metrics(_: web.Request) -> web.Response:
        return web.Response(body=generate_latest(), headers={"Content-Type": CONTENT_TYPE_LATEST})

    async def healthz(_: web.Request) -> web.Response:
        trouble = health()
        return web.Response(text=trouble or "ok", status=503 if trouble else 200)

    runners = []
    try:
        for port, path, handler in ((metrics_port, "/metrics", metrics), (health_port, "/healthz", healthz)):
            application = web.Application()
            application.router.add_get(path, handler)
            runner = web.AppRunner(application, access_log=None)
            await runner.setup()
            runners.append(runner)
            await web.TCPSite(runner, host, port).start()
        yield
    finally:
        for runner in runners:
            await runner.cleanup()

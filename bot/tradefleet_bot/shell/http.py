"""The bot's HTTP: `/healthz /readiness /metrics /status`, on FastAPI, in the same event loop as everything else."""

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import uvicorn
from fastapi import FastAPI, Response

from tradefleet_api.botstatus import BotStatus


class Server(uvicorn.Server):
    """uvicorn without its signal handlers: the process decides how it ends."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals alone."""
        yield


def application(
    alive: Callable[[], str | None],
    ready: Callable[[], str | None],
    metrics: Callable[[], bytes],
    status: Callable[[], BotStatus | None],
) -> FastAPI:
    """The four endpoints; `alive` and `ready` give the reason why not, or None."""
    app = FastAPI(title="tradefleet bot", openapi_url=None, docs_url=None, redoc_url=None)

    @app.get("/healthz")
    async def healthz() -> Response:
        return _answer(alive())

    @app.get("/readiness")
    async def readiness() -> Response:
        return _answer(ready())

    @app.get("/metrics")
    async def scrape() -> Response:
        return Response(metrics(), media_type="text/plain; version=0.0.4; charset=utf-8")

    @app.get("/status")
    async def show() -> Response:
        current = status()
        if current is None:
            return _answer("starting: no status yet")
        return Response(current.model_dump_json(by_alias=True), media_type="application/json")

    return app


def bound(host: str, port: int) -> socket.socket:
    """A listening address, taken before anything else starts. Raises OSError."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
    except OSError:
        listener.close()
        raise
    return listener


def server(app: FastAPI) -> Server:
    """The server, to be run by `await serve(sockets=[…])`."""
    return Server(
        uvicorn.Config(
            app, loop="none", lifespan="off", access_log=False, log_config=None, ws="none",
            http="h11", timeout_graceful_shutdown=1,
        )
    )  # fmt: skip


def _answer(reason: str | None) -> Response:
    if reason is None:
        return Response("ok\n", media_type="text/plain")
    return Response(f"{reason}\n", 503, media_type="text/plain")

"""The bot's HTTP: `/healthz /readiness /metrics /status`, on FastAPI, in the same event loop as everything else."""

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
        return Response(current.model_dump_json(by_alias=True, exclude_none=True), media_type="application/json")

    return app


def server(app: FastAPI, host: str, port: int) -> Server:
    """The server, to be run by `await serve()`."""
    return Server(
        uvicorn.Config(
            app, host=host, port=port, loop="none", lifespan="off", access_log=False, log_config=None, ws="none",
            http="h11", timeout_graceful_shutdown=1,
        )
    )  # fmt: skip


def _answer(reason: str | None) -> Response:
    if reason is None:
        return Response("ok\n", media_type="text/plain")
    return Response(f"{reason}\n", 503, media_type="text/plain")

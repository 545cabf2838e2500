"""Orders from above: what is read of a TradingBot, when it stops being fresh, and the watch on a real API server."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from support.apiserver import ApiServer
from support.bot_space import MANDATE, SPEC, Space, make_space

from tradefleet_api.botconfig import BotConfig
from tradefleet_bot.core.events import Directive
from tradefleet_bot.shell import kube
from tradefleet_bot.shell.authority import Authority
from tradefleet_bot.shell.orders import Orders
from tradefleet_bot.shell.orders_source import ClusterOrders

Json = dict[str, Any]


def _bot(spec: Json | None = None, mandate: Json | None = None, **metadata: Any) -> Json:
    return {
        "metadata": {"name": "b", **metadata},
        "spec": SPEC | (spec or {}),
        "status": {"mandates": {"stable": MANDATE | (mandate or {})}},
    }


def _read(bot: Json, now: float = 0.0) -> Orders:
    orders = Orders("stable")
    orders.observe(bot, now)
    return orders


def test_the_stricter_of_spec_and_mandate() -> None:
    directive = _read(_bot({"risk": {"maxLeverage": 2}})).directive(7, 0.0)
    assert directive is not None
    assert (directive.at, directive.mode, directive.sequence, directive.fresh) == (7, "live", 1, True)
    assert float(directive.limits.max_leverage) == 2
    assert float(directive.limits.max_position_ratio) == 0.1
    assert float(directive.capital_quote) == 500


def test_nothing_new_is_not_said_twice() -> None:
    orders = _read(_bot())
    assert orders.directive(1, 0.0) is not None
    orders.read(30.0)
    assert orders.directive(2, 30.0) is None


def test_no_mandate_for_this_arm_means_no_orders() -> None:
    bot = _bot()
    bot["status"]["mandates"] = {"canary": MANDATE}
    assert _read(bot).directive(1, 0.0) is None


def test_freshness_ends_a_lifetime_after_the_last_read_and_returns_with_the_next() -> None:
    orders = _read(_bot())
    first = orders.directive(1, 60.0)
    assert first is not None
    assert first.fresh
    stale = orders.directive(2, 60.1)
    assert stale is not None
    assert not stale.fresh
    orders.read(61.0)
    again = orders.directive(3, 61.0)
    assert again is not None
    assert again.fresh


@pytest.mark.parametrize(
    ("text", "halt"), [("Pause", "Pause"), ("Cancel", "Cancel"), ("Flatten", "Flatten"), ("now!", "Flatten")]
)
def test_the_halt_annotation_is_obeyed(text: str, halt: str) -> None:
    directive = _read(_bot(annotations={"tradefleet.dev/halt": text})).directive(1, 0.0)
    assert directive is not None
    assert directive.halt == halt


def test_halt_is_obeyed_even_where_the_rest_cannot_be_read() -> None:
    orders = _read(_bot())
    assert orders.directive(1, 0.0) is not None
    orders.observe(_bot({"newField": 1}, annotations={"tradefleet.dev/halt": "Flatten"}), 1.0)
    directive = orders.directive(2, 1.0)
    assert directive is not None
    assert directive.halt == "Flatten"
    assert not directive.fresh


def test_an_object_that_vanished_is_doubt_not_an_order() -> None:
    orders = _read(_bot())
    orders.directive(1, 0.0)
    orders.observe(None, 1.0)
    directive = orders.directive(2, 1.0)
    assert directive is not None
    assert not directive.fresh
    assert not directive.deleting


def test_deletion_and_rearm_are_passed_on() -> None:
    bot = _bot(deletionTimestamp="2026-01-01T00:00:00Z", annotations={"tradefleet.dev/rearm": "anna 1"})
    directive = _read(bot).directive(1, 0.0)
    assert directive is not None
    assert (directive.deleting, directive.deletion_policy, directive.rearm) == (True, "Flatten", "anna 1")


def test_the_process_can_only_tighten() -> None:
    told: list[Directive] = []
    authority = Authority(told.append)
    authority.restrict("ReduceOnly", "disk full", 1)
    assert told == []  # no orders yet: nothing to restrict
    given = _read(_bot()).directive(1, 0.0)
    assert given is not None
    authority.order(given)
    authority.restrict("ReduceOnly", "disk full", 2)
    authority.restrict("Running", None, 3)
    flatten = _read(_bot({"tradingState": "Flatten"})).directive(4, 0.0)
    assert flatten is not None
    authority.order(flatten)
    authority.restrict("Paused", "stopping", 5)
    states = [directive.trading_state for directive in told]
    assert states == ["ReduceOnly", "Running", "Flatten"]


# -- on a real API server ----------------------------------------------------------------------------------------------
@pytest.fixture
def namespace(apiserver_crds: ApiServer, tmp_path: Path) -> Space:
    return make_space(apiserver_crds, tmp_path)


class Followed:
    """What the bot makes of it, as it changes."""

    def __init__(self) -> None:
        self.directives: list[Directive] = []
        self._changed = asyncio.Condition()

    async def tell(self, directive: Directive) -> None:
        async with self._changed:
            self.directives.append(directive)
            self._changed.notify_all()

    async def until(self, check: Callable[[Directive], bool]) -> Directive:
        async with asyncio.timeout(30), self._changed:
            await self._changed.wait_for(lambda: bool(self.directives) and check(self.directives[-1]))
            return self.directives[-1]


@contextlib.asynccontextmanager
async def following(namespace: Space) -> AsyncIterator[Followed]:
    """Follow the namespace's TradingBot as a bot process does."""
    config = BotConfig.model_validate(
        {"bot": {"namespace": namespace.name, "name": "b"}, "model": {"name": "m", "sha256": "a" * 64},
         "venue": {"type": "sim", "rest": "http://h", "stream": "ws://h"}, "symbols": ["BTCUSDT"]}
    )  # fmt: skip
    followed, source = Followed(), None
    loop = asyncio.get_running_loop()
    tasks = set()

    def changed() -> None:
        assert source is not None
        directive = source.orders.directive(1, loop.time())
        if directive is not None:
            tasks.add(asyncio.ensure_future(followed.tell(directive)))

    async def tick() -> None:
        while True:
            await asyncio.sleep(0.05)
            changed()

    source = ClusterOrders(namespace.api, config, lambda low, high: 0.05, changed)
    tasks |= {asyncio.create_task(source.run()), asyncio.create_task(tick())}
    try:
        yield followed
    finally:
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def test_mandate_halt_and_deletion_reach_the_bot(namespace: Space) -> None:
    async with following(namespace) as bot:
        namespace.order(1)
        first = await bot.until(lambda d: d.sequence == 1)
        assert first.halt is None
        assert first.fresh
        namespace.annotate(halt="Flatten")
        await bot.until(lambda d: d.halt == "Flatten")
        namespace.annotate(halt=None)
        await bot.until(lambda d: d.halt is None)
        namespace.patch({"metadata": {"finalizers": ["tradefleet.dev/flatten"]}})
        namespace.server.request("DELETE", namespace.path())
        await bot.until(lambda d: d.deleting)
        namespace.patch({"metadata": {"finalizers": None}})
        gone = await bot.until(lambda d: not d.fresh)
        assert gone.deleting


async def test_orders_go_stale_while_the_api_refuses_and_recover_with_a_new_token(
    namespace: Space, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kube, "WATCH_SECONDS", 1)
    namespace.order(1, lifetimeSeconds=3)
    token_file = namespace.api.token_file
    assert token_file is not None
    token = token_file.read_text()
    async with following(namespace) as bot:
        await bot.until(lambda d: d.fresh)
        token_file.write_text("expired")
        await bot.until(lambda d: not d.fresh)
        token_file.write_text(token)
        await bot.until(lambda d: d.fresh)


async def test_the_bot_may_read_its_own_bot_only(namespace: Space) -> None:
    config = namespace.api
    assert isinstance(config.tls(), ssl.SSLContext)
    reasons: list[str] = []
    stream = kube.follow(config, namespace.path(""), "another", lambda low, high: 0.01, reasons.append)

    async def read() -> None:
        async for _ in stream:
            raise AssertionError("another bot was read")

    reading = asyncio.create_task(read())
    async with asyncio.timeout(30):
        while not any("403" in reason for reason in reasons):
            assert not reading.done(), "it goes on asking"
            await asyncio.sleep(0.01)
    reading.cancel()
    await asyncio.wait([reading])
    await stream.aclose()  # type: ignore[attr-defined]  # an async generator, typed as the iterator it is used as

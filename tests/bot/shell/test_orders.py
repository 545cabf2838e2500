"""Orders from above: what is read of a TradingBot, when it stops being fresh, and the watch on a real API server."""

import asyncio
import base64
import contextlib
import ssl
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from support.apiserver import ApiServer

from tradefleet_api.botconfig import BotConfig
from tradefleet_bot.core.events import Directive
from tradefleet_bot.shell import kube
from tradefleet_bot.shell.authority import Authority
from tradefleet_bot.shell.kube import Api
from tradefleet_bot.shell.orders import Orders
from tradefleet_bot.shell.orders_source import ClusterOrders

Json = dict[str, Any]
MANDATE = {
    "sequence": 1, "modelDigest": "a" * 64, "mode": "live", "capitalQuote": 500, "maxLeverage": 3,
    "maxPositionRatio": 0.1, "lifetimeSeconds": 60,
}  # fmt: skip


def _bot(spec: Json | None = None, mandate: Json | None = None, **metadata: Any) -> Json:
    wanted = {"symbols": ["BTCUSDT"], "model": {"name": "m"}, "mode": "live", "tradingState": "Running"}
    return {
        "metadata": {"name": "b", **metadata},
        "spec": wanted | (spec or {}),
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
@dataclass
class Namespace:
    """A bot's namespace with its ServiceAccount, as the operator would make it."""

    server: ApiServer
    name: str
    api: Api

    def path(self, resource: str = "/b") -> str:
        return f"/apis/tradefleet.dev/v1alpha1/namespaces/{self.name}/tradingbots{resource}"

    def patch(self, body: Json, resource: str = "/b") -> None:
        status, answer = self.server.request("PATCH", self.path(resource), body, "application/merge-patch+json")
        assert status == 200, answer


@pytest.fixture
def namespace(apiserver_crds: ApiServer, tmp_path: Path) -> Namespace:
    server = apiserver_crds
    name = server.namespace("bot")
    rules = [{"apiGroups": ["tradefleet.dev"], "resources": ["tradingbots"], "resourceNames": ["b"],
              "verbs": ["get", "list", "watch"]}]  # fmt: skip
    meta = {"name": "b-stable", "namespace": name}
    rbac = "rbac.authorization.k8s.io"
    server.apply(
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": meta},
        {"apiVersion": f"{rbac}/v1", "kind": "Role", "metadata": meta, "rules": rules},
        {"apiVersion": f"{rbac}/v1", "kind": "RoleBinding", "metadata": meta,
         "roleRef": {"apiGroup": rbac, "kind": "Role", "name": "b-stable"},
         "subjects": [{"kind": "ServiceAccount", "name": "b-stable", "namespace": name}]},
    )  # fmt: skip
    tokens = f"/api/v1/namespaces/{name}/serviceaccounts/b-stable/token"
    status, answer = server.request(
        "POST", tokens, {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}}
    )
    assert status == 201, answer
    (tmp_path / "token").write_text(answer["status"]["token"])
    cluster = yaml.safe_load(server.kubeconfig.read_text())["clusters"][0]["cluster"]
    (tmp_path / "ca.crt").write_bytes(base64.b64decode(cluster["certificate-authority-data"]))
    spec = _bot()["spec"]
    bot = {"apiVersion": "tradefleet.dev/v1alpha1", "kind": "TradingBot", "metadata": {"name": "b"}, "spec": spec}
    space = Namespace(server, name, Api(server.url, tmp_path / "token", tmp_path / "ca.crt"))
    status, answer = server.request("POST", space.path(""), bot)
    assert status == 201, answer
    return space


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
async def following(namespace: Namespace) -> AsyncIterator[Followed]:
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


async def test_mandate_halt_and_deletion_reach_the_bot(namespace: Namespace) -> None:
    async with following(namespace) as bot:
        namespace.patch({"status": {"mandates": {"stable": MANDATE}}}, "/b/status")
        first = await bot.until(lambda d: d.sequence == 1)
        assert first.halt is None
        assert first.fresh
        namespace.patch({"metadata": {"annotations": {"tradefleet.dev/halt": "Flatten"}}})
        await bot.until(lambda d: d.halt == "Flatten")
        namespace.patch({"metadata": {"annotations": {"tradefleet.dev/halt": None}}})
        await bot.until(lambda d: d.halt is None)
        namespace.patch({"metadata": {"finalizers": ["tradefleet.dev/flatten"]}})
        namespace.server.request("DELETE", namespace.path())
        await bot.until(lambda d: d.deleting)
        namespace.patch({"metadata": {"finalizers": None}})
        gone = await bot.until(lambda d: not d.fresh)
        assert gone.deleting


async def test_orders_go_stale_while_the_api_refuses_and_recover_with_a_new_token(
    namespace: Namespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kube, "WATCH_SECONDS", 1)
    namespace.patch({"status": {"mandates": {"stable": MANDATE | {"lifetimeSeconds": 3}}}}, "/b/status")
    token_file = namespace.api.token_file
    assert token_file is not None
    token = token_file.read_text()
    async with following(namespace) as bot:
        await bot.until(lambda d: d.fresh)
        token_file.write_text("expired")
        await bot.until(lambda d: not d.fresh)
        token_file.write_text(token)
        await bot.until(lambda d: d.fresh)


async def test_the_bot_may_read_its_own_bot_only(namespace: Namespace) -> None:
    config = namespace.api
    assert isinstance(config.tls(), ssl.SSLContext)
    reasons: list[str] = []
    stream = kube.follow(config, namespace.path(""), "another", lambda low, high: 0.01, reasons.append)
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(1):
            async for _ in stream:
                raise AssertionError("another bot was read")
    await stream.aclose()  # type: ignore[attr-defined]  # an async generator, typed as the iterator it is used as
    assert any("403" in reason for reason in reasons)

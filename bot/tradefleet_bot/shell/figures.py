"""The process's own metrics: feed, queue, storage, clock, orders from above; read when Prometheus asks."""

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

from tradefleet_bot.shell.metrics import Metrics, Sample
from tradefleet_bot.shell.trading import Trading

if TYPE_CHECKING:
    from prometheus_client.core import Metric


def figures_of(trading: Trading, metrics: Metrics) -> Iterator["Metric"]:
    """Everything that is not the engine's."""
    clock, account = trading.client.clock, trading.account
    loop, feed, inbox, storage = trading.loop, trading.market.feed, trading.inbox, trading.storage
    decisions: list[Sample] = [((action,), count) for action, count in loop.decisions.items()]
    yield from metrics.counters("decisions", "Decisions by action.", ("action",), decisions)
    yield from metrics.counter("events", "Events from outside that the engine took in.", loop.events)
    reconnects = trading.market.reconnects.total()
    yield from metrics.counter("feed_gaps", "Breaks in the sequence of depth updates.", feed.gaps)
    yield from metrics.counter("feed_reconnects", "Market connections lost or renewed.", reconnects)
    yield from metrics.counter("decode_errors", "Market frames that could not be read.", feed.decode_errors)
    failures: list[Sample] = [((family,), count) for family, count in trading.client.failures.items()]
    yield from metrics.counters("request_failures", "REST requests without a result.", ("reason",), failures)
    if account is not None:
        yield from metrics.gauge("account_connected", "1 while orders and fills are heard of.", account.connected)
        yield from metrics.counter("account_reconnects", "User streams lost or renewed.", account.reconnects)
    yield from metrics.counter("events_conflated", "Quotes replaced by later ones.", inbox.conflated)
    yield from metrics.counter("events_dropped", "Market events dropped under pressure.", inbox.dropped)
    yield from metrics.counter(
        "journal_lost_bytes", "Journal dropped while the disk failed.", storage.journal.lost_bytes
    )
    yield from metrics.counter("ledger_left_out", "Rows left out while the disk failed.", storage.ledger.left_out)
    stale: dict[str, float] = {}
    for (symbol, stream), seconds in feed.staleness(clock.now()).items():
        if stream in {"quote", "depth", "mark"}:
            stale[symbol] = max(stale.get(symbol, 0.0), seconds)
    yield from metrics.gauges(
        "feed_staleness_seconds",
        "Age of the oldest of quotes, depth and mark.",
        ("symbol",),
        [((symbol,), seconds) for symbol, seconds in stale.items()],
    )
    age = None if trading.cluster is None else trading.cluster.orders.age(time.monotonic())
    yield from metrics.gauge("mandate_age_seconds", "Since the TradingBot was last read.", age)
    error = None if clock.error is None else clock.error / 1e9
    yield from metrics.gauge("clock_offset_seconds", "Venue time minus local time.", clock.offset / 1e9)
    yield from metrics.gauge("clock_error_seconds", "Bound of the offset's error.", error)

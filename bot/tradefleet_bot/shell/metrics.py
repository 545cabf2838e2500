"""Prometheus metrics of one bot, `tradefleet_bot_*`: labels namespace, bot, arm, model, and symbol or reason where fit.

Counters and gauges that others keep already (feed, client, engine) are read when Prometheus asks: nothing is counted
twice, and the hot path pays only for its two histograms.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

from prometheus_client import CollectorRegistry, Histogram, disable_created_metrics, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

EVENT_BUCKETS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
DECISION_BUCKETS: Final = (5e-5, 1e-4, 2.5e-4, 5e-4, 1e-3, 2.5e-3, 5e-3, 1e-2, 2.5e-2, 0.1, 1.0)
LABELS: Final = ("namespace", "bot", "arm", "model")
disable_created_metrics()  # type: ignore[no-untyped-call]  # no second series for each counter
Sample = tuple[tuple[str, ...], float]


class Metrics:
    """The registry of one process; `who` are the values of the four labels that every metric carries."""

    def __init__(self, who: tuple[str, str, str, str]) -> None:
        self.registry = CollectorRegistry()
        self._who = who
        self._sources: list[Callable[[Metrics], Iterator[Metric]]] = []
        self.event_latency = self._histogram(
            "event_latency_seconds", "From the venue's event time to the engine's, by its estimate.", EVENT_BUCKETS
        )
        self.decision_latency = self._histogram(
            "decision_latency_seconds", "Engine step that decided: features, model, risk, orders.", DECISION_BUCKETS
        )
        self.registry.register(self)

    def source(self, read: Callable[["Metrics"], Iterator[Metric]]) -> None:
        """Ask this function for its metrics at each scrape."""
        self._sources.append(read)

    def collect(self) -> Iterator[Metric]:
        """Called by the registry."""
        for read in self._sources:
            yield from read(self)

    def describe(self) -> list[Metric]:
        """Nothing before the first scrape: the sources may not be ready."""
        return []

    def text(self) -> bytes:
        """The exposition that Prometheus reads."""
        return generate_latest(self.registry)

    def gauge(self, name: str, text: str, value: float | None) -> Iterator[Metric]:
        """A gauge; absent while unknown, never zero."""
        if value is not None:
            yield from self.gauges(name, text, (), [((), value)])

    def gauges(self, name: str, text: str, labels: tuple[str, ...], samples: Sequence[Sample]) -> Iterator[Metric]:
        """A gauge with further labels."""
        yield self._fill(GaugeMetricFamily(f"tradefleet_bot_{name}", text, labels=(*LABELS, *labels)), samples)

    def counter(self, name: str, text: str, value: float) -> Iterator[Metric]:
        """A counter; `name` without `_total`."""
        yield from self.counters(name, text, (), [((), value)])

    def counters(self, name: str, text: str, labels: tuple[str, ...], samples: Sequence[Sample]) -> Iterator[Metric]:
        """A counter with further labels."""
        yield self._fill(CounterMetricFamily(f"tradefleet_bot_{name}", text, labels=(*LABELS, *labels)), samples)

    def _fill(self, family: Any, samples: Sequence[Sample]) -> Metric:
        for values, value in samples:
            family.add_metric((*self._who, *values), value)
        return family  # type: ignore[no-any-return]  # either family is a Metric

    def _histogram(self, name: str, text: str, buckets: tuple[float, ...]) -> Histogram:
        histogram = Histogram(f"tradefleet_bot_{name}", text, LABELS, registry=self.registry, buckets=buckets)
        return histogram.labels(*self._who)

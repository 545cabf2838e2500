"""The simulator's own metrics, in a registry of their own so that several simulators live in one process."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest


class Metrics:
    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.clients = Gauge("tradefleet_sim_clients", "Open stream connections", registry=self.registry)
        self.accounts = Gauge("tradefleet_sim_accounts", "Accounts", registry=self.registry)
        self.frames = Counter("tradefleet_sim_frames_sent", "Frames handed to clients", registry=self.registry)
        self.dropped = Counter(
            "tradefleet_sim_frames_dropped", "Frames a slow client lost; it was cut off", registry=self.registry
        )
        self.cut = Counter(
            "tradefleet_sim_clients_cut", "Connections cut because the client was too slow", registry=self.registry
        )
        self.events = Counter(
            "tradefleet_sim_market_events", "Market events played", ["symbol"], registry=self.registry
        )
        self.orders = Counter("tradefleet_sim_orders", "Orders that were accepted", ["symbol"], registry=self.registry)
        self.requests = Counter("tradefleet_sim_requests", "REST requests", ["status"], registry=self.registry)
        self.faults = Counter("tradefleet_sim_faults", "Faults that were ordered", ["kind"], registry=self.registry)
        self.lag = Gauge(
            "tradefleet_sim_market_lag_seconds", "How far the market is behind its clock", registry=self.registry
        )

    def text(self) -> bytes:
        return generate_latest(self.registry)

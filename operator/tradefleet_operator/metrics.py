"""Metrics: the names that users of controllers graph already, and the operator's own."""

from typing import Final

from prometheus_client import Counter, Gauge, Histogram

_SECONDS: Final = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0)

DEPTH: Final = Gauge("workqueue_depth", "Keys that wait for a worker.", ["name"])
ADDS: Final = Counter("workqueue_adds", "Keys added to the queue.", ["name"])
QUEUED: Final = Histogram("workqueue_queue_duration_seconds", "Time a key waits.", ["name"], buckets=_SECONDS)
WORKED: Final = Histogram("workqueue_work_duration_seconds", "Time a key is worked on.", ["name"], buckets=_SECONDS)
RETRIES: Final = Counter("workqueue_retries", "Keys tried again after an error.", ["name"])

RECONCILES: Final = Counter("controller_runtime_reconcile", "Reconciliations by result.", ["controller", "result"])
RECONCILE_ERRORS: Final = Counter("controller_runtime_reconcile_errors", "Reconciliations failed.", ["controller"])
RECONCILE_TIME: Final = Histogram(
    "controller_runtime_reconcile_time_seconds", "Time of a reconciliation.", ["controller"], buckets=_SECONDS
)
API_REQUESTS: Final = Counter("rest_client_requests", "Requests to the API server.", ["code", "method", "host"])
LEADER: Final = Gauge("leader_election_master_status", "1 while this replica leads.", ["name"])

BOTS: Final = Gauge("tradefleet_operator_bots", "TradingBots by phase.", ["namespace", "phase"])
EVENT_AGE: Final = Gauge("tradefleet_operator_last_watch_event_timestamp_seconds", "Time of the last watch event.")
POLLS: Final = Counter("tradefleet_operator_status_polls", "Questions to bots at /status.", ["result"])
ROLLOUTS: Final = Counter("tradefleet_operator_rollouts", "Finished rollouts.", ["namespace", "bot", "outcome"])

"""TradingBot: what runs, under which limits, and how its model may change.

Defaults are the safe end. `spec` belongs to the user (or to Git); the operator writes only `status`.
"""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from tradefleet_api.base import Contract
from tradefleet_api.conditions import Condition
from tradefleet_api.duration import Duration
from tradefleet_api.mandate import Mandate
from tradefleet_api.names import Arm

Ratio = Annotated[float, Field(ge=0, le=1)]
Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$", min_length=1, max_length=40)]
Symbol = Annotated[str, StringConstraints(pattern=r"^[A-Z0-9]{2,20}$")]
Url = Annotated[str, StringConstraints(pattern=r"^(http|https|ws|wss)://.+", max_length=512)]

Mode = Literal["paper", "hybrid", "live"]
TradingState = Literal["Running", "Paused", "ReduceOnly", "Flatten"]
VenueType = Literal["sim", "binance-usdm", "bybit-linear"]


class Endpoints(Contract):
    """Where the venue is, when it is not where its type says."""

    rest: Url | None = None
    stream: Url | None = None


class SecretRef(Contract):
    """A Secret in the bot's namespace with the keys `apiKey` and `apiSecret`. The operator cannot read it."""

    name: Annotated[str, StringConstraints(min_length=1, max_length=253)]


class Venue(Contract):
    """The exchange: the built-in simulator unless told otherwise."""

    type: VenueType = "sim"
    network: Literal["mainnet", "testnet"] = "testnet"
    endpoints: Endpoints | None = None
    credentials_secret_ref: SecretRef | None = None


class ModelRef(Contract):
    """The ModelVersion to run: the one line that GitOps changes."""

    name: Annotated[str, StringConstraints(pattern=r"^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$", max_length=253)]


class Risk(Contract):
    """Limits; ratios are of equity unless said otherwise. A smaller mandate or stage limit wins."""

    max_position_ratio: Annotated[float, Field(gt=0, le=1)] = 0.2
    """Largest position notional as a ratio of equity times leverage 1."""
    risk_per_trade_ratio: Annotated[float, Field(gt=0, le=0.1)] = 0.02
    """Largest loss at the protective stop, as a ratio of equity."""
    stop_atr: Annotated[float, Field(gt=0, le=20)] = 1.5
    """Distance of the protective stop in average true ranges."""
    min_stop_ratio: Annotated[float, Field(gt=0, le=0.2)] = 0.002
    """The protective stop is at least this far from the entry, as a ratio of its price."""
    take_profit_atr: Annotated[float, Field(gt=0, le=50)] = 3.0
    max_leverage: Annotated[float, Field(ge=1, le=20)] = 3
    max_daily_loss_ratio: Annotated[float, Field(gt=0, le=1)] = 0.03
    max_drawdown_ratio: Annotated[float, Field(gt=0, le=1)] = 0.2
    max_consecutive_losses: Annotated[int, Field(ge=1, le=1000)] = 5
    max_trades_per_day: Annotated[int, Field(ge=1, le=100_000)] = 20
    min_liquidation_distance_ratio: Ratio = 0.15
    price_collar_ratio: Annotated[float, Field(gt=0, le=0.2)] = 0.01
    """An order's price may be this far from the mid (and mark, where known)."""
    max_orders_per_minute: Annotated[int, Field(ge=1, le=1200)] = 30
    stale_after: Duration = "5s"
    """Market data older than this means no new risk."""


class Execution(Contract):
    """How approved orders reach the venue."""

    stop_confirm_timeout: Duration = "5s"
    """A protective stop not confirmed within this time flattens the position, reduce-only."""
    order_timeout: Duration = "10s"
    """An order without an answer is queried by its client id after this time, never sent again blindly."""


class PaperCapital(Contract):
    """Starting capital of a paper account."""

    paper_quote: Annotated[float, Field(gt=0, le=1e9)] = 10_000


class ShadowStep(Contract):
    """The candidate runs beside stable, on paper, for this long before it may be promoted."""

    duration: Duration = "7d"


class Rollout(Contract):
    """How a change of `model.name` reaches the bot: Verify, Shadow, Promote."""

    shadow: ShadowStep = Field(default_factory=ShadowStep)
    progress_deadline: Duration = "10m"
    """A candidate that is not verified, started and healthy within this time is rolled back."""


class Storage(Contract):
    """The volume of the bot's ledger and journal."""

    size: Annotated[str, StringConstraints(pattern=r"^[0-9]+(Mi|Gi|Ti)$")] = "1Gi"
    class_name: Annotated[str, StringConstraints(min_length=1, max_length=253)] | None = None


class Pod(Contract):
    """The bot's pod; the image is the operator's default unless named here."""

    image: Annotated[str, StringConstraints(min_length=1, max_length=512)] | None = None
    cpu_request: Annotated[str, StringConstraints(pattern=r"^[0-9]+m?$")] = "50m"
    memory_request: Annotated[str, StringConstraints(pattern=r"^[0-9]+(Mi|Gi)$")] = "192Mi"
    memory_limit: Annotated[str, StringConstraints(pattern=r"^[0-9]+(Mi|Gi)$")] = "512Mi"
    node_selector: dict[str, str] | None = None


class TradingBotSpec(Contract):
    """`spec` of a TradingBot."""

    mode: Mode = "paper"
    trading_state: TradingState | None = None
    """Unset means Running on paper and Paused otherwise."""
    venue: Venue = Field(default_factory=Venue)
    symbols: Annotated[list[Symbol], Field(min_length=1, max_length=20)]
    decision_interval: Duration = "1m"
    model: ModelRef
    risk: Risk = Field(default_factory=Risk)
    execution: Execution = Field(default_factory=Execution)
    capital: PaperCapital = Field(default_factory=PaperCapital)
    rollout: Rollout = Field(default_factory=Rollout)
    storage: Storage = Field(default_factory=Storage)
    deletion_policy: Literal["Flatten", "Orphan"] = "Flatten"
    pod: Pod = Field(default_factory=Pod)


Phase = Literal["Pending", "Healthy", "Progressing", "Paused", "Degraded"]


class ModelState(Contract):
    """One model as the bot runs it: the ModelVersion's name and its verified digest."""

    name: str
    digest: str


class StepState(Contract):
    """Where a rollout stands; times are RFC 3339 UTC."""

    name: Literal["Verify", "Shadow", "Promote", "RolledBack"]
    started_at: str
    ready_at: str | None = None
    """Since when the candidate has been Ready and reporting the expected digest; None while it is not."""
    healthy_seconds: float | None = None
    """Healthy time gathered before `ready_at`, so that a restart of weeks of soaking costs only its own time."""
    unhealthy_since: str | None = None
    """When the candidate stopped being healthy; the progress deadline counts from here (or from `started_at`)."""
    message: str = ""


class HistoryEntry(Contract):
    """One finished rollout; status keeps the last ten."""

    time: str
    model: str
    outcome: Literal["Promoted", "RolledBack", "Replaced", "Rejected"]
    reason: str


class ObservedBot(Contract):
    """What the stable arm last reported, for `kubectl get tb`; rounded, at most every ten seconds."""

    equity: str | None = None
    position: str | None = None
    last_decision: str | None = None
    reported_at: str | None = None


class TradingBotStatus(Contract):
    """`status` of a TradingBot: everything that the operator decided, each with its reason."""

    observed_generation: int | None = None
    phase: Phase | None = None
    message: str | None = None
    mode: Mode | None = None
    """Effective mode."""
    stable: ModelState | None = None
    candidate: ModelState | None = None
    step: StepState | None = None
    failed: ModelState | None = None
    """A candidate that was rolled back; the same digest is not tried again while the spec still names it."""
    mandates: dict[Arm, Mandate] | None = None
    bot: ObservedBot | None = None
    history: list[HistoryEntry] | None = None
    conditions: list[Condition] | None = None

"""TradingBot: what runs, under which limits, and how its model may change.

Defaults are the safe end. `spec` belongs to the user (or to Git); the operator writes only `status`. Every field here
is acted on by some part; what nothing acts on yet is not offered.
"""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from tradefleet_api.base import Contract
from tradefleet_api.duration import Duration, between
from tradefleet_api.limits import Execution, Risk
from tradefleet_api.pod import Pod, Storage
from tradefleet_api.rules import Rule
from tradefleet_api.scalars import DecisionInterval, Mode, ModelName, Name, Ratio, Symbol, Symbols, TradingState, Url
from tradefleet_api.tradingbot_status import (
    HistoryEntry,
    ModelState,
    ObservedBot,
    Phase,
    StepState,
    TradingBotStatus,
)
from tradefleet_api.venue import Endpoints, SecretRef, Venue, VenueType

__all__ = [  # the whole resource is imported from here
    "Duration", "Endpoints", "Execution", "HistoryEntry", "Mode", "ModelName", "ModelRef", "ModelState", "Name",
    "ObservedBot", "PaperCapital", "Phase", "Pod", "Ratio", "Risk", "Rollout", "SecretRef", "ShadowStep", "StepState",
    "Storage", "Symbol", "Symbols", "TradingBotSpec", "TradingBotStatus", "TradingState", "Url", "Venue", "VenueType",
]  # fmt: skip


class ModelRef(Contract):
    """The ModelVersion to run: the one line that GitOps changes."""

    name: ModelName
    """Name of a ModelVersion in the bot's namespace; it runs only once it is Verified."""


class PaperCapital(Contract):
    """Starting capital of a paper account."""

    paper_quote: Annotated[float, Field(gt=0, le=1e9)] = 10_000
    """In the quote currency of the symbols."""


class ShadowStep(Contract):
    """The candidate runs beside stable, on paper, for this long before it may be promoted."""

    duration: Annotated[Duration, between("1s", "90d")] = "7d"
    """Time of healthy running with the expected digest."""


class Rollout(Contract):
    """How a change of `model.name` reaches the bot: Verify, Shadow, Promote."""

    shadow: ShadowStep = Field(default_factory=ShadowStep)
    """On paper beside stable, without orders."""
    progress_deadline: Annotated[Duration, between("10s", "1d")] = "10m"
    """A candidate that is not verified, started and healthy within this time is rolled back."""


def _one_quote(symbols: list[str]) -> bool:
    return any(all(symbol.endswith(quote) for symbol in symbols) for quote in ("USDT", "USDC"))


class TradingBotSpec(Contract):
    """`spec` of a TradingBot."""

    RULES: ClassVar = (
        Rule(
            "self.mode == 'paper' || self.venue.type == 'sim' || has(self.venue.credentialsSecretRef)",
            "mode live or hybrid on an exchange needs venue.credentialsSecretRef.name, a Secret with the keys apiKey "
            "and apiSecret; or use mode paper, or venue.type sim",
            lambda spec: (
                spec.mode == "paper" or spec.venue.type == "sim" or spec.venue.credentials_secret_ref is not None
            ),
            ".venue.credentialsSecretRef",
            "FieldValueRequired",
        ),
        Rule(
            "self.venue.type == 'bybit-linear' || self.symbols.all(s, s.endsWith('USDT')) "
            "|| self.symbols.all(s, s.endsWith('USDC'))",
            "every symbol must be a perpetual in one and the same quote currency of the venue, USDT or USDC, "
            "such as BTCUSDT and ETHUSDT",
            lambda spec: spec.venue.type == "bybit-linear" or _one_quote(spec.symbols),
            ".symbols",
        ),
        Rule(
            "self.mode == 'hybrid' ? has(self.liveSymbols) && self.liveSymbols.all(s, s in self.symbols) "
            ": !has(self.liveSymbols)",
            "mode hybrid needs liveSymbols, some of the symbols; the other modes must not have it",
            lambda spec: (
                set(spec.live_symbols) <= set(spec.symbols)
                if spec.mode == "hybrid" and spec.live_symbols is not None
                else spec.mode != "hybrid" and spec.live_symbols is None
            ),
            ".liveSymbols",
        ),
    )

    mode: Mode = "paper"
    """A ceiling: `paper` sends no order anywhere, `live` sends all to the venue, `hybrid` those of `liveSymbols`."""
    trading_state: TradingState | None = None
    """What the bot may do now. Unset means Running on paper and Paused otherwise."""
    venue: Venue = Field(default_factory=Venue)
    """Where the bot gets its market data and sends its orders."""
    symbols: Symbols
    """What it trades, in the venue's spelling. One may be added to a bot that has run, but not removed."""
    live_symbols: Symbols | None = None
    """With mode hybrid, the symbols that trade live; the others stay on paper."""
    decision_interval: DecisionInterval = "1m"
    """Time between two decisions, which fall on its multiples."""
    model: ModelRef
    """What decides."""
    risk: Risk = Field(default_factory=Risk)
    """What it may not do."""
    execution: Execution = Field(default_factory=Execution)
    """How its orders are worked."""
    capital: PaperCapital = Field(default_factory=PaperCapital)
    """What it starts with."""
    rollout: Rollout = Field(default_factory=Rollout)
    """How its model may change."""
    storage: Storage = Field(default_factory=Storage)
    """Where it remembers; cannot change."""
    deletion_policy: Literal["Flatten", "Orphan"] = "Flatten"
    """On deletion, close the positions first, or leave them and their stops on the exchange on purpose."""
    pod: Pod = Field(default_factory=Pod)
    """Where it runs."""

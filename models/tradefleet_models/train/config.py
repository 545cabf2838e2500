"""The training configuration: one frozen value, read once from a TOML file; the file is the recipe of a bundle."""

import tomllib
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from tradefleet_api.duration import Duration, seconds
from tradefleet_api.refusal import RefusedError, sentence

Share = Annotated[float, Field(gt=0, lt=1)]
Count = Annotated[int, Field(ge=1)]


class ConfigError(RefusedError):
    """A training configuration that cannot be used; `str()` says what to change."""


class Section(BaseModel):
    """Frozen; unknown keys are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Generated(Section):
    """A stretch of the simulator's generated market."""

    kind: Literal["generated"]
    seed: int
    seconds: Annotated[int, Field(ge=60)]
    signal: Annotated[float, Field(ge=0, le=1)] = 0.3
    """Strength of what can be learned; 0.3 is the simulator's default."""


class Recorded(Section):
    """A file of raw frames, as `tradefleet_sim.record` writes them or a recorder at the venue."""

    kind: Literal["recording"]
    file: str
    """Relative to the folder that TRADEFLEET_DATA names."""


Source = Annotated[Generated | Recorded, Field(discriminator="kind")]


class Target(Section):
    """Triple-barrier labels; horizon in decisions, width in volatilities of the horizon."""

    horizon: Count = 20
    width: Annotated[float, Field(gt=0)] = 0.7


class Split(Section):
    """Shares of every source, in time order: members are fitted on the first, the policy on the second, both are judged
    on the rest. `folds` walk-forward folds within the first give the members' scores on data they had not seen."""

    fit: Share = 0.55
    policy: Share = 0.25
    folds: Count = 3
    embargo: Annotated[int, Field(ge=0)] = 30
    """Decisions left out before every test, on top of purging."""

    @model_validator(mode="after")
    def _something_left(self) -> "Split":
        if self.fit + self.policy > 0.95:
            raise ValueError("fit + policy leave less than 5 % to judge the model on")
        return self


class Trees(Section):
    """Gradient boosting; three trees a round, one for each class."""

    rounds: Annotated[int, Field(ge=1, le=20)] = 20
    depth: Annotated[int, Field(ge=1, le=3)] = 3
    learning_rate: float = 0.15
    min_child_weight: float = 20.0
    subsample: float = 0.8
    columns: float = 0.8
    l2: float = 5.0
    weight: Annotated[float, Field(gt=0)] = 0.5


class Lstm(Section):
    """The recurrent member and its training; `steps` decisions a truncated back-propagation."""

    hidden: Count = 16
    epochs: Count = 12
    streams: Count = 16
    steps: Count = 40
    learning_rate: float = 5e-3
    weight_decay: float = 1e-4
    weight: Annotated[float, Field(gt=0)] = 0.5


class Costs(Section):
    """What trading costs in training, in basis points of the notional traded, besides half the spread."""

    fee_bps: Annotated[float, Field(ge=0)]
    """Taker fee the policy is trained with. The venue's is 5; a policy that decides every second and is trained with
    that learns to hold for ever, so a demonstration has to say a smaller one, and say so."""
    slippage_bps: Annotated[float, Field(ge=0)] = 0.02
    order_bps: Annotated[float, Field(ge=0)] = 0.05
    """Cost of an order of any size, in basis points of the largest position: keeps tiny orders from being free."""


class Policy(Section):
    """PPO in the trading environment."""

    costs: Costs
    timesteps: Count = 60_000
    environments: Count = 8
    episode: Count = 240
    layers: tuple[Count, ...] = (32, 32)
    learning_rate: float = 1e-3
    gamma: Annotated[float, Field(gt=0, lt=1)] = 0.95
    entropy: Annotated[float, Field(ge=0)] = 0.01
    realized_share: Annotated[float, Field(ge=0, le=1)] = 0.05
    """How much of the reward is what the market did; the rest is what the score let expect."""


class TrainConfig(Section):
    """Everything that decides a bundle's bytes."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9]([-a-z0-9.]{0,61}[a-z0-9])?$")]
    seed: int
    symbol: Annotated[str, Field(pattern=r"^[A-Z0-9]{3,20}$")] = "BTCUSDT"
    decision_interval: Duration = "1s"
    features: Annotated[tuple[str, ...], Field(min_length=1)]
    odd: tuple[str, ...] = ()
    """Features that change their sign when up and down are exchanged; the others stay as they are. With this list the
    members also learn from the market's mirror image, so that the score leans to no side. Empty: no mirror image."""
    data: Annotated[tuple[Source, ...], Field(min_length=1)]
    target: Target = Target()
    split: Split = Split()
    trees: Trees = Trees()
    lstm: Lstm = Lstm()
    policy: Policy

    @property
    def interval_seconds(self) -> float:
        """The decision interval in seconds."""
        return seconds(self.decision_interval)

    @model_validator(mode="after")
    def _what_the_policy_sees(self) -> "TrainConfig":
        if "spread" not in self.features or not any(name.startswith("volatility_") for name in self.features):
            raise ValueError("features need spread and one of volatility_*: the policy looks at them")
        if strange := sorted(set(self.odd) - set(self.features)):
            raise ValueError(f"odd names {strange[0]}, which is not among the features")
        return self


def read(path: Path) -> TrainConfig:
    """The configuration in a TOML file.

    Raises ConfigError naming the field that is wrong.
    """
    try:
        return TrainConfig.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is no TOML: {error}") from error
    except ValidationError as error:
        raise ConfigError(f"{path}: {sentence(error)}") from error

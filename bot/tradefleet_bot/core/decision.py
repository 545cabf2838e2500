"""What the engine asks of a model, and what it gets: the seam between the engine and inference.

`core/inference` implements it on ONNX; tests implement it in ten lines.
"""

from typing import Any, Final, Literal, Protocol

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from tradefleet_bot.core.events import FeedState, MarketEvent, Stream

Action = Literal["HOLD", "OPEN_LONG", "OPEN_SHORT", "ADD", "REDUCE", "CLOSE"]
ACTIONS: Final[tuple[Action, ...]] = ("HOLD", "OPEN_LONG", "OPEN_SHORT", "ADD", "REDUCE", "CLOSE")
"""In the order of the policy's logits and of the mask."""
Mask = tuple[bool, bool, bool, bool, bool, bool]
"""True where an action is allowed; HOLD always is."""


class PortfolioView(Struct, frozen=True, array_like=True):
    """The policy's own position, scaled as the observation has it; all zero when flat."""

    position: float = 0.0
    """Signed notional over the largest allowed notional, -1 to 1."""
    unrealized: float = 0.0
    """Unrealised profit of the position over its notional, in percent."""
    holding: float = 0.0
    """Decisions since entry over 60, 0 to 1."""


class Decision(Struct, frozen=True, array_like=True):
    """What the model wants, and why. A missing input or a lost quorum is HOLD, with the reason."""

    action: Action
    score: float | None
    """The ensemble's score, -1 to 1; None when there is none."""
    scores: dict[str, float]
    """Each voting member's score."""
    reason: str
    quorum_lost: bool = False


class Model(Protocol):
    """A loaded, verified bundle. `ModelState` (the recurrent state of one symbol) is the model's own business."""

    @property
    def features(self) -> tuple[str, ...]:
        """Names of the required features, in the order of the vector."""

    @property
    def digest(self) -> str:
        """SHA-256 of the bundle."""

    def for_symbol(self) -> Any:
        """A fresh state for one symbol."""

    def decide(
        self, state: Any, vector: NDArray[np.float32], missing: tuple[str, ...], view: PortfolioView, mask: Mask
    ) -> Decision:
        """Step the state by one decision; deterministic."""


class Features(Protocol):
    """One symbol's required features (`core/features.FeatureSet`)."""

    @property
    def streams(self) -> frozenset[Stream]:
        """The kinds of market data they read."""

    def update(self, event: MarketEvent | FeedState) -> None:
        """Take in one event of this symbol."""

    def vector(self, at: int, out: NDArray[np.float32]) -> tuple[str, ...]:
        """Fill `out` (float32, one per feature); the names of those that are missing."""

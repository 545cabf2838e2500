"""What a feature is, and how features come to share their sources."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any, Final, ParamSpec, TypeVar, cast

from tradefleet_bot.core.book import Book
from tradefleet_bot.core.events import FeedState, MarketEvent, Stream
from tradefleet_bot.core.features.sources.base import SECOND, Source

P = ParamSpec("P")
S = TypeVar("S", bound=Source[Any])


class Pool:
    """One symbol's sources: each kind (with its parameters) once, however many features read it.

    `book`: one that the caller keeps up to date; without it the pool keeps its own where a feature needs one.
    """

    def __init__(self, book: Book | None = None) -> None:
        self.book = book
        self.sources: dict[Hashable, Source[Any]] = {}

    def source(self, kind: Callable[P, S], *args: P.args, **kwargs: P.kwargs) -> S:
        """The source of this kind and these arguments, made on first use."""
        key = (kind, args, tuple(kwargs.items()))
        found = self.sources.get(key)
        if found is None:
            found = self.sources[key] = kind(*args, **kwargs)
        return cast("S", found)


class Feature(ABC):
    """One number about one symbol, kept up to date in O(1) an event."""

    def __init__(self, *sources: Source[Any]) -> None:
        self.sources: Final = sources

    def update(self, event: MarketEvent | FeedState) -> None:
        """Take in one event; what the feature does not read is ignored. In a FeatureSet the set does this."""
        for source in self.sources:
            if isinstance(event, source.events):
                source.update(event)
            elif isinstance(event, FeedState) and event.stream == source.stream:
                source.feed(event)

    @abstractmethod
    def get(self, at: int) -> float | None:
        """The value at engine time `at` (ns); None while history is too short or an input is stale."""


@dataclass(frozen=True, slots=True)
class FeatureSpec:
    """What a feature is, as data. A change of what `get` returns is a new `version`: models of the old one are refused.

    `window` is the history needed, ns (0: none). `reference` is where the formula comes from.
    """

    name: str
    unit: str
    formula: str
    reference: str
    inputs: frozenset[Stream]
    window: int
    version: int
    factory: Callable[[Pool], Feature]


def seconds(window: int) -> str:
    """A window as it stands in a feature's name.

    >>> seconds(20 * SECOND)
    '20s'
    """
    return f"{window // SECOND}s"

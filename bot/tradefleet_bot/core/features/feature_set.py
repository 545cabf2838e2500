"""The features of one symbol that a model requires, as one vector."""

from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from tradefleet_bot.core.book import Book
from tradefleet_bot.core.events import FeedState, MarketEvent, Stream
from tradefleet_bot.core.features.registry import spec
from tradefleet_bot.core.features.spec import Pool

_LARGEST: Final = float(np.finfo(np.float32).max)


class FeatureSet:
    """Named features of one symbol; each event goes once to each source that reads its type.

    `book`: the caller's own order book, kept up to date by the caller before `update`; without it the set keeps one
    where a feature needs it. Raises UnknownFeatureError for a name that is not in the registry.
    """

    def __init__(self, names: Sequence[str], symbol: str, book: Book | None = None) -> None:
        specs = [spec(name) for name in names]
        pool = Pool(book)
        self.names: Final = tuple(names)
        self.symbol: Final = symbol
        self.streams: Final[frozenset[Stream]] = frozenset().union(*(each.inputs for each in specs))
        self._getters = tuple(each.factory(pool).get for each in specs)
        self._sources = tuple(pool.sources.values())
        updates: dict[type, list[Callable[[Any], None]]] = {}
        for source in self._sources:
            for kind in source.events:
                updates.setdefault(kind, []).append(source.update)
        self._updates = {kind: tuple(found) for kind, found in updates.items()}

    def update(self, event: MarketEvent | FeedState) -> None:
        """Take in one event; another symbol's, and what no feature here reads, is ignored."""
        if event.symbol != self.symbol:
            return
        if type(event) is FeedState:
            for source in self._sources:
                if source.stream == event.stream:
                    source.feed(event)
            return
        for update in self._updates.get(type(event), ()):
            update(event)

    def vector(self, at: int, out: NDArray[np.float32]) -> tuple[str, ...]:
        """Fill `out` (shape [features], in the order of `names`) as of engine time `at`; return the missing names.

        A missing feature is NaN in `out`, never a number that could be mistaken for a value.
        """
        missing: list[str] = []
        for position, get in enumerate(self._getters):
            value = get(at)
            if value is None or not -_LARGEST <= value <= _LARGEST:
                out[position] = np.nan
                missing.append(self.names[position])
            else:
                out[position] = value
        return tuple(missing)

    def values(self, at: int) -> dict[str, float | None]:
        """Every feature in full precision, for people and tests."""
        return {name: get(at) for name, get in zip(self.names, self._getters, strict=True)}

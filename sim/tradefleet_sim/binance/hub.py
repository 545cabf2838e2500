"""Who hears which stream. A listener that cannot keep up is cut off: memory stays bounded, and it knows it lost."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from tradefleet_sim.binance import frames


class Listener(Protocol):
    @property
    def combined(self) -> bool: ...

    def offer(self, text: str) -> None: ...


class Hub:
    def __init__(self) -> None:
        self._listeners: dict[str, set[Listener]] = {}
        self.is_silent: Callable[[str], bool] = lambda _: False  # a fault may silence streams

    def join(self, stream: str, listener: Listener) -> None:
        self._listeners.setdefault(stream, set()).add(listener)

    def leave(self, stream: str, listener: Listener) -> None:
        listeners = self._listeners.get(stream)
        if listeners is not None:
            listeners.discard(listener)
            if not listeners:
                del self._listeners[stream]

    def wanted(self, stream: str) -> bool:
        return stream in self._listeners

    def publish(self, stream: str, payload: str) -> None:
        listeners = self._listeners.get(stream)
        if not listeners or self.is_silent(stream):
            return
        wrapped: str | None = None
        for listener in tuple(listeners):
            if listener.combined:
                wrapped = frames.wrap(stream, payload) if wrapped is None else wrapped
                listener.offer(wrapped)
            else:
                listener.offer(payload)

"""Engine and paper venue together: the process and the replay both drive this, so that paper fills agree.

The shell feeds every event from outside, journals the steps that come back, and sends on what is routed `live`.
"""

from tradefleet_bot.core.commands import Cancel, CancelAll, Command, Place, QueryOrder, Reconcile, SetLeverage
from tradefleet_bot.core.engine import Engine
from tradefleet_bot.core.events import Event
from tradefleet_bot.core.paper.venue import PaperVenue

_ROUTED = (Place, Cancel, CancelAll, QueryOrder, Reconcile, SetLeverage)


class Desk:
    """One engine with its paper venue."""

    def __init__(self, engine: Engine, paper: PaperVenue) -> None:
        self.engine = engine
        self.paper = paper

    def step(self, event: Event) -> list[tuple[Event, list[Command]]]:
        """The event, and then each paper event that became due with it, each with the engine's commands."""
        answers = self.paper.step(event)
        steps: list[tuple[Event, list[Command]]] = [(event, self._engine(event))]
        steps.extend((answer, self._engine(answer)) for answer in answers)
        return steps

    def _engine(self, event: Event) -> list[Command]:
        commands = self.engine.step(event)
        for command in commands:
            if isinstance(command, _ROUTED) and command.route == "paper":
                self.paper.submit(command)
        return commands

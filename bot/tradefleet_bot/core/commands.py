"""Everything the engine can ask for, as immutable values: the only output of the core.

Each goes to one `route` (the paper venue inside the bot, or the venue on the wire); the engine decides which, because
a change of mode must settle on the old route before it starts on the new one. Only `Approved` intents can be placed.
The shell carries commands out in the order given, and reports each outcome as an event; it retries nothing by itself.
"""

from decimal import Decimal
from typing import Literal

from msgspec import Struct

from tradefleet_bot.core.carry import Carry
from tradefleet_bot.core.limits import Route
from tradefleet_bot.core.orders.intent import OrderIntent
from tradefleet_bot.core.risk.verdict import Approved

Topic = Literal["decision", "order", "fill", "protection", "reconcile", "state", "latch", "fault"]
Outcome = Literal["approved", "refused", "held", "info", "warning"]


class _Command(Struct, frozen=True, array_like=True, tag=True):
    at: int
    """Engine time of the event that caused it, ns."""


class Place(_Command, frozen=True, array_like=True, tag=True):
    """Send the order, unless engine time has passed `deadline` (ns): then report CommandFailed with family `stop`."""

    route: Route
    order: Approved[OrderIntent]
    deadline: int


class Cancel(_Command, frozen=True, array_like=True, tag=True):
    """Cancel one order by client id; `conditional` says that it lives at the venue's algo endpoints."""

    route: Route
    symbol: str
    client_id: str
    conditional: bool


class CancelAll(_Command, frozen=True, array_like=True, tag=True):
    """Cancel every open order of a symbol, conditional ones included: the settlement before a change of route."""

    route: Route
    symbol: str


class QueryOrder(_Command, frozen=True, array_like=True, tag=True):
    """Ask for one order by client id. The answer is an OrderReport; status NOT_FOUND when the venue knows it not."""

    route: Route
    symbol: str
    client_id: str
    conditional: bool


class Reconcile(_Command, frozen=True, array_like=True, tag=True):
    """Ask for a full AccountState of the route: wallet, positions, open orders including conditional ones."""

    route: Route
    reason: str


class SetLeverage(_Command, frozen=True, array_like=True, tag=True):
    """Set the venue's leverage of a symbol (an integer), sent before the first order of a route."""

    route: Route
    symbol: str
    leverage: int


class Record(_Command, frozen=True, array_like=True, tag=True):
    """Something decided or noticed, with its reason, for the ledger, the log and `/status`.

    A decision names its action; a refusal names the check and the numbers it compared.
    """

    symbol: str
    topic: Topic
    outcome: Outcome
    reason: str
    action: str | None = None
    score: float | None = None
    check: str | None = None
    measured: float | None = None
    limit: float | None = None
    client_id: str | None = None
    quantity: Decimal | None = None
    price: Decimal | None = None


class Persist(_Command, frozen=True, array_like=True, tag=True):
    """Keep this durably; hand the last one back as the first event after a restart (`Restored`)."""

    carry: Carry


Command = Place | Cancel | CancelAll | QueryOrder | Reconcile | SetLeverage | Record | Persist

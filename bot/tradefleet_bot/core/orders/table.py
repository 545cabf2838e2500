"""The life cycle of an order, as one table. What is not in the table must not happen.

Reports come late, twice and out of order, and fills may follow a cancel, so the table says what each report means in
each state; a report that older news cannot change the state keeps it. A pair that is missing contradicts what the
venue said before (an execution of an order it rejected): in tests that raises, in production the order is queried
again and no new risk is taken until a person re-arms.
"""

from typing import Final, Literal, get_args

from tradefleet_bot.core.events import OrderStatus

State = Literal[
    "PENDING_NEW",  # sent, no answer yet
    "WORKING",
    "PARTIALLY_FILLED",
    "TRIGGERED",  # a conditional order that fired; its execution is under way
    "PENDING_CANCEL",  # cancel sent, order may still trade
    "UNKNOWN",  # no reply, or a contradiction: being queried
    "ABSENT",  # the venue does not know it: never arrived
    "FILLED",
    "CANCELLED",
    "REJECTED",
    "EXPIRED",
]
Local = Literal["CANCEL_SENT", "NO_REPLY", "REFUSED", "NOT_SENT", "SENT_AGAIN"]
"""What happens on our side: a cancel went out; a command brought no reply (order_timeout, or family `unknown`); the
command surely had no effect, for good (`stop`) or for now (`retry`); the same order was sent again."""
Input = OrderStatus | Local

STATES: Final[tuple[State, ...]] = get_args(State)
INPUTS: Final[tuple[Input, ...]] = (*get_args(OrderStatus), *get_args(Local))
OPEN: Final[frozenset[State]] = frozenset(
    {"PENDING_NEW", "WORKING", "PARTIALLY_FILLED", "TRIGGERED", "PENDING_CANCEL", "UNKNOWN"}
)
"""States in which the order may still trade: all of them count as exposure in flight."""
CONFIRMED: Final[frozenset[State]] = frozenset({"WORKING", "PARTIALLY_FILLED", "TRIGGERED"})
"""States in which the venue has said that the order stands."""

_LIVE: Final[dict[Input, State]] = {
    "NEW": "WORKING",
    "PARTIALLY_FILLED": "PARTIALLY_FILLED",
    "TRIGGERED": "TRIGGERED",
    "FILLED": "FILLED",
    "CANCELED": "CANCELLED",
    "EXPIRED": "EXPIRED",
}
_DOUBT: Final[dict[Input, State]] = {
    "NO_REPLY": "UNKNOWN",
    "NOT_FOUND": "UNKNOWN",
    "REFUSED": "UNKNOWN",
    "NOT_SENT": "UNKNOWN",
}
"""A standing order that the venue does not find, or about which a command failed: asked again."""
_CLOSED_STAYS: Final[tuple[Input, ...]] = ("NEW", "TRIGGERED", "PARTIALLY_FILLED", "CANCEL_SENT", "NO_REPLY", "REFUSED")
"""Older news, or a cancel or query that found it closed: nothing changes."""


def _closed(state: State, **moves: State) -> dict[Input, State]:
    return {**dict.fromkeys(_CLOSED_STAYS, state), "NOT_SENT": state, "NOT_FOUND": state, **moves}  # type: ignore[dict-item]  # keywords are inputs


TABLE: Final[dict[State, dict[Input, State]]] = {
    "PENDING_NEW": _LIVE
    | {
        "REJECTED": "REJECTED",
        "REFUSED": "REJECTED",
        "NOT_SENT": "ABSENT",
        "NOT_FOUND": "ABSENT",
        "NO_REPLY": "UNKNOWN",
        "CANCEL_SENT": "PENDING_CANCEL",
    },
    "WORKING": _LIVE | {"CANCEL_SENT": "PENDING_CANCEL", **_DOUBT},
    "PARTIALLY_FILLED": _LIVE | {"NEW": "PARTIALLY_FILLED", "CANCEL_SENT": "PENDING_CANCEL", **_DOUBT},
    "TRIGGERED": _LIVE
    | {
        "NEW": "TRIGGERED",
        "PARTIALLY_FILLED": "TRIGGERED",
        "REJECTED": "REJECTED",  # the order it became was refused, for lack of margin or of a position
        "CANCEL_SENT": "PENDING_CANCEL",
        **_DOUBT,
    },
    "PENDING_CANCEL": _LIVE
    | {
        "NEW": "PENDING_CANCEL",
        "PARTIALLY_FILLED": "PENDING_CANCEL",
        "TRIGGERED": "PENDING_CANCEL",
        "REJECTED": "REJECTED",
        "CANCEL_SENT": "PENDING_CANCEL",
        "NO_REPLY": "UNKNOWN",
        "REFUSED": "UNKNOWN",  # the cancel was refused: filled already, or never there; the query tells
        "NOT_SENT": "UNKNOWN",
        "NOT_FOUND": "UNKNOWN",
    },
    "UNKNOWN": _LIVE
    | {
        "REJECTED": "REJECTED",
        "NOT_FOUND": "ABSENT",
        "NO_REPLY": "UNKNOWN",
        "NOT_SENT": "UNKNOWN",
        "REFUSED": "UNKNOWN",
        "CANCEL_SENT": "UNKNOWN",
    },
    "ABSENT": _LIVE  # it arrived after all
    | {
        "REJECTED": "REJECTED",
        "SENT_AGAIN": "PENDING_NEW",
        "NOT_FOUND": "ABSENT",
        "NO_REPLY": "ABSENT",
        "NOT_SENT": "ABSENT",
        "REFUSED": "ABSENT",
        "CANCEL_SENT": "ABSENT",
    },
    "FILLED": _closed("FILLED", FILLED="FILLED"),
    "CANCELLED": _closed("CANCELLED", CANCELED="CANCELLED", EXPIRED="CANCELLED", FILLED="FILLED"),
    "REJECTED": {
        "REJECTED": "REJECTED",
        "REFUSED": "REJECTED",
        "NOT_FOUND": "REJECTED",
        "NO_REPLY": "REJECTED",
        "NOT_SENT": "REJECTED",
        "CANCEL_SENT": "REJECTED",
    },
    "EXPIRED": _closed("EXPIRED", EXPIRED="EXPIRED", CANCELED="EXPIRED", FILLED="FILLED"),
}


class UnknownTransitionError(Exception):
    """The venue contradicted itself, or the table lacks a case."""


def next_state(state: State, incoming: Input) -> State | None:
    """The state after `incoming`; None when the table does not allow it."""
    return TABLE[state].get(incoming)

"""The two answers of risk: `Approved`, which alone can be placed, and `Refused`, which says why in numbers."""

from typing import Final, Generic, TypeVar, final

from msgspec import Struct

from tradefleet_bot.core.risk.seal import SEAL, Seal

T_co = TypeVar("T_co", covariant=True)


@final
class Approved(Generic[T_co]):
    """An intent that every check let through. Only the pipeline holds the seal that its constructor demands."""

    __slots__ = ("value",)

    def __init__(self, value: T_co, seal: Seal) -> None:
        if seal is not SEAL:
            raise TypeError("only the risk pipeline approves an intent: pass it through risk.pipeline")
        self.value: Final = value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Approved) and bool(self.value == other.value)

    def __hash__(self) -> int:
        return hash(("Approved", self.value))

    def __repr__(self) -> str:
        return f"Approved({self.value!r})"


class Refused(Struct, frozen=True, array_like=True):
    """Why not: the check's name (a metric label), one sentence, and the numbers that were compared, where there are."""

    check: str
    reason: str
    measured: float | None = None
    limit: float | None = None

"""What the account's codecs share: exact decimals within sane bounds, and one way to decode and to fail."""

from decimal import Decimal
from typing import Any, Final, TypeVar

import msgspec

from tradefleet_bot.venues.binance.codec import DecodeError

ZERO: Final = Decimal(0)
_LARGEST_EXPONENT: Final = 18
_T = TypeVar("_T")
FAILURES: Final = (msgspec.MsgspecError, ValueError, ArithmeticError, RecursionError)


def decode_as(decoder: msgspec.json.Decoder[_T], body: bytes) -> _T:
    """The typed body. Raises DecodeError."""
    try:
        return decoder.decode(body)
    except FAILURES as error:
        raise DecodeError(f"{error}: {body[:200]!r}") from None


def exact(value: Decimal) -> Decimal:
    """The value, when it is a finite number that an exchange could mean. Raises DecodeError.

    >>> exact(Decimal("84551.10"))
    Decimal('84551.10')
    """
    if not value.is_finite() or abs(value.adjusted()) > _LARGEST_EXPONENT or len(value.as_tuple().digits) > 40:
        raise DecodeError(f"{value!s:.60} is no amount")
    return value


def positive(value: Decimal | None) -> Decimal | None:
    """The value, or None where the venue wrote 0 for "there is none". Raises DecodeError."""
    return None if value is None or exact(value) <= ZERO else value


def amount(text: str | None) -> Decimal | None:
    """A positive amount where the venue may also write an empty string or 0 for "there is none". Raises DecodeError.

    >>> amount("750.0"), amount(""), amount("0")
    (Decimal('750.0'), None, None)
    """
    if not text:
        return None
    try:
        return positive(Decimal(text[:100]))
    except ArithmeticError:
        raise DecodeError(f"{text[:40]!r} is no amount") from None


def decoder(kind: Any) -> msgspec.json.Decoder[Any]:
    """A decoder that takes numbers in quotes, as the venue writes them."""
    return msgspec.json.Decoder(kind, strict=False)

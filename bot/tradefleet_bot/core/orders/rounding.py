"""Exact steps of price and quantity; sizes round toward zero, so that rounding never adds risk."""

from decimal import Decimal


def floor_to(value: Decimal, step: Decimal) -> Decimal:
    """The largest multiple of `step` that is not above a positive `value`.

    >>> floor_to(Decimal("0.0359"), Decimal("0.001"))
    Decimal('0.035')
    """
    return value // step * step


def ceil_to(value: Decimal, step: Decimal) -> Decimal:
    """The smallest multiple of `step` that is not below a positive `value`.

    >>> ceil_to(Decimal("61800.31"), Decimal("0.10"))
    Decimal('61800.40')
    """
    floor = value // step * step
    return floor if floor == value else floor + step


def exact(value: float) -> Decimal:
    """The decimal that a venue's text said before it became a float (shortest round-trip form).

    >>> exact(61800.3)
    Decimal('61800.3')
    """
    return Decimal(repr(value))

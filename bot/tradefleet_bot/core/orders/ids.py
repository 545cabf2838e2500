"""Client order ids: the same decision always gets the same id, so that nothing can be sent twice under two names.

`tf-<8 hex of the account and symbol>-<decision time, ms, base 36>-<leg letter><n>`, at most 36 characters of
`[A-Za-z0-9-]`, which both Binance (`^[\\.A-Z\\:/a-z0-9_-]{1,36}$`) and Bybit accept.
"""

import hashlib
import re
from typing import Final

from tradefleet_bot.core.orders.intent import Leg

_DIGITS: Final = "0123456789abcdefghijklmnopqrstuvwxyz"
_LETTER: Final[dict[Leg, str]] = {"entry": "e", "stop": "s", "take_profit": "t", "exit": "x"}
_LEG: Final[dict[str, Leg]] = {letter: leg for leg, letter in _LETTER.items()}
_PATTERN: Final = re.compile(r"tf-([0-9a-f]{8})-[0-9a-z]+-([estx])[0-9]+")


def owner(account: str, symbol: str) -> str:
    """Eight hex digits that say whose order it is.

    >>> owner("demo.btc", "BTCUSDT")
    'e3c1b440'
    """
    return hashlib.sha256(f"{account}/{symbol}".encode()).hexdigest()[:8]


def client_id(owned_by: str, decided_at: int, leg: Leg, n: int) -> str:
    """The id of the n-th order of a leg that a decision (ns) caused.

    >>> client_id("e3c1b440", 1_700_000_000_000_000_000, "entry", 0)
    'tf-e3c1b440-loyw3v28-e0'
    """
    return f"tf-{owned_by}-{_base36(decided_at // 1_000_000)}-{_LETTER[leg]}{n}"


def leg_of(text: str, owned_by: str) -> Leg | None:
    """The leg of one of our own ids; None for anybody else's order."""
    match = _PATTERN.fullmatch(text)
    return _LEG[match[2]] if match and match[1] == owned_by else None


def _base36(number: int) -> str:
    digits = ""
    while number:
        number, digit = divmod(number, 36)
        digits = _DIGITS[digit] + digits
    return digits or "0"

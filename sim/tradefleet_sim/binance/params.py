"""Request parameters: text in, exact values or the venue's own complaint out."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Final, TypeVar

from tradefleet_sim.binance.errors import ApiError
from tradefleet_sim.instruments import Instrument

E = TypeVar("E", bound=StrEnum)
CLIENT_ID: Final = re.compile(r"[\.A-Z\:/a-z0-9_-]{1,36}\Z")
_DECIMAL: Final = re.compile(r"\d{1,20}(\.\d{1,20})?\Z")
_LARGEST: Final = 2**63 - 1


class Params:
    """Case matters, as at the venue; an empty value counts as not sent."""

    def __init__(self, values: Mapping[str, str], instruments: Mapping[str, Instrument]) -> None:
        self._values = values
        self._instruments = instruments

    def text(self, name: str) -> str | None:
        return self._values.get(name) or None

    def required(self, name: str) -> str:
        value = self.text(name)
        if value is None:
            raise ApiError(-1102, f"Mandatory parameter '{name}' was not sent, was empty/null, or malformed.")
        return value

    def instrument(self) -> Instrument:
        instrument = self._instruments.get(self.required("symbol"))
        if instrument is None:
            raise ApiError(-1121, "Invalid symbol.")
        return instrument

    def optional_instrument(self) -> Instrument | None:
        return self.instrument() if self.text("symbol") else None

    def integer(self, name: str) -> int | None:
        value = self.text(name)
        if value is None:
            return None
        if not re.fullmatch(r"\d{1,19}", value, re.ASCII) or int(value) > _LARGEST:
            raise ApiError(-1102, f"Mandatory parameter '{name}' was not sent, was empty/null, or malformed.")
        return int(value)

    def required_integer(self, name: str) -> int:
        self.required(name)
        value = self.integer(name)
        return 0 if value is None else value

    def limit(self, default: int, most: int) -> int:
        value = self.integer("limit")
        if value is None:
            return default
        if not 1 <= value <= most:
            raise ApiError(-1130, "Data sent for parameter 'limit' is not valid.")
        return value

    def decimal(self, name: str) -> Decimal | None:
        value = self.text(name)
        if value is None:
            return None
        try:
            if _DECIMAL.match(value):
                return Decimal(value)
            if value.startswith("-") and _DECIMAL.match(value[1:]):
                return Decimal(value)  # negative numbers get their own complaint later
        except InvalidOperation:
            pass
        raise ApiError(-1102, f"Mandatory parameter '{name}' was not sent, was empty/null, or malformed.")

    def required_decimal(self, name: str) -> Decimal:
        self.required(name)
        value = self.decimal(name)
        return Decimal(0) if value is None else value

    def boolean(self, name: str) -> bool:
        value = (self.text(name) or "false").lower()
        if value not in ("true", "false"):
            raise ApiError(-1102, f"Mandatory parameter '{name}' was not sent, was empty/null, or malformed.")
        return value == "true"

    def choice(self, name: str, kind: type[E], code: int, message: str, default: E | None = None) -> E:
        value = self.text(name)
        if value is None:
            if default is not None:
                return default
            raise ApiError(-1102, f"Mandatory parameter '{name}' was not sent, was empty/null, or malformed.")
        try:
            return kind(value)
        except ValueError:
            raise ApiError(code, message) from None

    def client_id(self, name: str) -> str:
        value = self.text(name) or ""
        if value and not CLIENT_ID.match(value):
            raise ApiError(-4015, "Client order id is not valid.")
        return value

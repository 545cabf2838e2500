"""Rules on resources that a type alone can't say: written once, enforced by the API server (CEL) and by pydantic.

A `Rule` stands beside the type it is about: in `Annotated[...]` for one value, in a type's `RULES` for several fields.
The generated CRD carries its CEL form; the Python form holds where no API server looked (a local run's file, an object
stored before the rule came). A test holds the two against each other on a real API server.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import core_schema

VALIDATIONS = "x-kubernetes-validations"


@dataclass(frozen=True, slots=True)
class Rule:
    """One validation: `cel` for the API server, `holds` for Python, one `message` that says what to change.

    `holds` is None for a rule about a change (`oldSelf`), which only the API server can judge. `field` is the JSON path
    that the error points at (`.stopAtr`); None points at the value itself.
    """

    cel: str
    message: str
    holds: Callable[[Any], bool] | None
    field: str | None = None
    reason: Literal["FieldValueInvalid", "FieldValueForbidden", "FieldValueRequired"] = "FieldValueInvalid"

    def check(self, value: object) -> None:
        """Raise ValueError with the message if the rule does not hold."""
        if self.holds is not None and not self.holds(value):
            raise ValueError(self.message)

    def to_schema(self) -> dict[str, str]:
        """The entry of `x-kubernetes-validations`."""
        entry = {"rule": self.cel, "message": self.message, "reason": self.reason}
        return entry if self.field is None else {**entry, "fieldPath": self.field}

    def __get_pydantic_core_schema__(self, source: object, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        return core_schema.no_info_after_validator_function(self._checked, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return with_rules(handler(schema), self)

    def _checked(self, value: object) -> object:
        self.check(value)
        return value


def with_rules(schema: JsonSchemaValue, *rules: Rule) -> JsonSchemaValue:
    """`schema` with the rules' CEL form added."""
    if not rules:
        return schema
    return {**schema, VALIDATIONS: [*schema.get(VALIDATIONS, []), *(rule.to_schema() for rule in rules)]}

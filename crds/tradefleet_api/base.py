"""The base of every contract type: frozen, camelCase on the wire, unknown fields refused, rules enforced."""

from typing import ClassVar, Self

from pydantic import BaseModel, ConfigDict, GetJsonSchemaHandler, model_validator
from pydantic.alias_generators import to_camel
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import core_schema

from tradefleet_api.rules import Rule, with_rules


class Contract(BaseModel):
    """Immutable value with camelCase wire names; `to_wire` gives plain JSON data, without unset (None) fields."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        alias_generator=to_camel,
        populate_by_name=True,
        use_attribute_docstrings=True,  # the docstring under a field is its description in the CRD
    )

    RULES: ClassVar[tuple[Rule, ...]] = ()
    """What the fields must satisfy together."""

    def to_wire(self) -> dict[str, object]:
        """Plain JSON-ready mapping with wire names; a field that is None is absent, not null."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True)

    @model_validator(mode="after")
    def _obey_rules(self) -> Self:
        for rule in self.RULES:
            rule.check(self)
        return self

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return with_rules(handler.resolve_ref_schema(handler(schema)), *cls.RULES)

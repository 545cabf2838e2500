"""The base of every contract type: frozen, camelCase on the wire, unknown fields refused."""

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel


class Contract(BaseModel):
    """Immutable value with camelCase wire names; `to_wire` gives plain JSON data, without unset (None) fields."""

    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=to_camel, populate_by_name=True)

    def to_wire(self) -> dict[str, object]:
        """Plain JSON-ready mapping with wire names; a field that is None is absent, not null."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True)

"""From a pydantic type to the OpenAPI v3 schema that a CustomResourceDefinition takes ("structural").

Structural schemas have no `$ref`, no `null` type, one `type` everywhere, and OpenAPI 3.0's boolean `exclusiveMinimum`.
https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#specifying-a-structural-schema
"""

import inspect
from typing import Any, Final

from pydantic import BaseModel

Schema = dict[str, Any]

_KEPT: Final = (
    "type", "format", "enum", "pattern", "minLength", "maxLength", "minimum", "exclusiveMinimum", "maximum",
    "exclusiveMaximum", "minItems", "maxItems", "minProperties", "maxProperties",
)  # fmt: skip
"""Keywords that mean the same in both; with `x-kubernetes-*`. All others are translated below, or a mistake."""
_DROPPED: Final = frozenset({"title", "propertyNames"})
_TRANSLATED: Final = frozenset(
    {"$ref", "$defs", "anyOf", "const", "default", "description", "properties", "required", "items"}
    | {"additionalProperties"}
)


def structural(model: type[BaseModel]) -> Schema:
    """The structural schema of a type, with descriptions, defaults and CEL rules.

    Raises ValueError for a keyword that it does not know, rather than lose a constraint.
    """
    whole = model.model_json_schema(by_alias=True)
    return _convert(whole, whole.get("$defs", {}))


def _convert(source: Schema, definitions: dict[str, Schema]) -> Schema:
    source = _resolve(source, definitions)
    unknown = [
        key
        for key in source
        if key not in _KEPT and key not in _DROPPED | _TRANSLATED and not key.startswith("x-kubernetes-")
    ]
    if unknown:
        raise ValueError(f"no structural form of {unknown[0]!r} in {source.get('title')}")
    result: Schema = {}
    if "description" in source:
        result["description"] = " ".join(inspect.cleandoc(source["description"]).split())
    result |= {key: source[key] for key in _KEPT if key in source}
    if "const" in source:
        result["enum"] = [source["const"]]
    if source.get("default") is not None:
        result["default"] = source["default"]
    if result.get("type") == "integer":
        result["format"] = "int64"
    for bound, limit in (("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")):
        if bound in result:
            result |= {limit: result[bound], bound: True}
    if "items" in source:
        result["items"] = _convert(source["items"], definitions)
    if isinstance(source.get("additionalProperties"), dict):
        result["additionalProperties"] = _convert(source["additionalProperties"], definitions)
    if "properties" in source:
        result |= _object(source, definitions)
    return result | {key: value for key, value in source.items() if key.startswith("x-kubernetes-")}


def _object(source: Schema, definitions: dict[str, Schema]) -> Schema:
    required = source.get("required", [])
    properties: Schema = {}
    for name, field in source["properties"].items():
        converted = _convert(field, definitions)
        if "properties" in converted and name not in required and not _nullable(field):
            converted["default"] = _defaults(converted)
        properties[name] = converted
    return {"properties": properties} | ({"required": required} if required else {})


def _defaults(schema: Schema) -> Schema:
    """An object's default, whole: the API server judges a default by the rules before it fills in what is inside."""
    return {name: field["default"] for name, field in schema["properties"].items() if "default" in field}


def _resolve(source: Schema, definitions: dict[str, Schema]) -> Schema:
    """`source` with its reference and its "or null" replaced by what they stand for; its own keywords win."""
    if _nullable(source):
        (source_type,) = (option for option in source["anyOf"] if option != {"type": "null"})
        return _resolve({**source_type, **{key: value for key, value in source.items() if key != "anyOf"}}, definitions)
    if "$ref" in source:
        own = {key: value for key, value in source.items() if key != "$ref"}
        return _resolve({**definitions[source["$ref"].removeprefix("#/$defs/")], **own}, definitions)
    return source


def _nullable(source: Schema) -> bool:
    return {"type": "null"} in source.get("anyOf", [])

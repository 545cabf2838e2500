"""The reference page of a resource, in Markdown, from the same schema as its CustomResourceDefinition."""

from collections.abc import Iterator
from typing import Any

from tradefleet_api.names import API_VERSION
from tradefleet_api.resources import Resource
from tradefleet_api.rules import VALIDATIONS

Schema = dict[str, Any]


def page(resource: Resource) -> str:
    """The page: one table for `spec` and one for `status`, then the rules over several fields."""
    schema = resource.schema()
    lines = [
        f"# {resource.kind}",
        "",
        "Generated from the types in `crds/tradefleet_api/` by `make crds`; do not edit.",
        "",
        schema["description"],
        "",
        f"`apiVersion: {API_VERSION}`, `kind: {resource.kind}`, short name `{resource.short}`, namespaced.",
    ]
    for part in ("spec", "status"):
        lines += ["", f"## {part}", "", "| field | type | default | allowed | meaning |", "|---|---|---|---|---|"]
        lines += [_row(path, field, needed) for path, field, needed in _fields(schema["properties"][part], part)]
    lines += ["", "## Rules", "", "What the API server refuses, in its words:", ""]
    lines += [f"- `{path}`: {rule['message']}" for path, rule in _rules(schema, "")]
    return "\n".join(lines) + "\n"


def _fields(schema: Schema, path: str) -> Iterator[tuple[str, Schema, bool]]:
    """(path, schema, required) of each field below, depth first."""
    for name, field in schema["properties"].items():
        below = f"{path}.{name}"
        yield below, field, name in schema.get("required", [])
        inner, suffix = _element(field)
        if "properties" in inner:
            yield from _fields(inner, below + suffix)


def _element(field: Schema) -> tuple[Schema, str]:
    if "items" in field:
        return field["items"], "[]"
    if "additionalProperties" in field:
        return field["additionalProperties"], ".KEY"
    return field, ""


def _row(path: str, field: Schema, needed: bool) -> str:
    default = "required" if needed else _default(field)
    cells = (f"`{path}`", _type(field), default, _allowed(field), field.get("description", ""))
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _type(field: Schema) -> str:
    inner, suffix = _element(field)
    name = field["format"] if field.get("format") == "duration" else field["type"]
    return f"{_type(inner)}{' list' if suffix == '[]' else ' map'}" if suffix else str(name)


def _allowed(field: Schema) -> str:
    """Values, range, form and own rules of one field, as far as it has any."""
    inner, suffix = _element(field)
    said = [_allowed(inner)] if suffix and "properties" not in inner else []
    if "enum" in field:
        said.append(", ".join(_code(value) for value in field["enum"]))
    low, high = field.get("minimum"), field.get("maximum")
    if low is not None:
        said.append(f"{'>' if field.get('exclusiveMinimum') else '≥'} {low:g}")
    if high is not None:
        said.append(f"≤ {high:g}")
    if "maxItems" in field:
        said.append(f"{field.get('minItems', 0)} to {field['maxItems']} items")
    if "pattern" in field and field.get("format") != "duration":
        said.append(_code(field["pattern"]))
    if "properties" not in field:
        said += [rule["message"] for rule in field.get(VALIDATIONS, [])]
    return ", ".join(part for part in said if part)


def _rules(schema: Schema, path: str) -> Iterator[tuple[str, dict[str, str]]]:
    for rule in schema.get(VALIDATIONS, []):
        yield (path + rule.get("fieldPath", "")).lstrip(".") or "the object", rule
    for name, field in schema.get("properties", {}).items():
        yield from _rules(field, f"{path}.{name}")
    inner, suffix = _element(schema)
    if suffix:
        yield from _rules(inner, path + suffix)


def _default(field: Schema) -> str:
    """Of an object, the defaults of its fields say it all."""
    value = field.get("default", "")
    return "" if value == "" or isinstance(value, dict) else _code(value)


def _code(value: object) -> str:
    return f"`{value}`"

"""The generated files are what the types say, and the types can be said in a structural schema."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from tradefleet_api.limits import Risk
from tradefleet_api.refusal import sentence
from tradefleet_api.resources import RESOURCES, Resource
from tradefleet_api.schema import structural
from tradefleet_console import crds
from tradefleet_console.cli import main

ROOT = Path(__file__).resolve().parents[2]


def test_what_is_committed_is_current() -> None:
    wanted = crds.generated(ROOT / "crds", ROOT / "helm/tradefleet/crds", ROOT / "docs/reference")
    assert len(wanted) == 6
    assert [path for path, text in wanted.items() if not path.is_file() or path.read_text() != text] == [], "make crds"


def test_check_fails_on_drift_and_writes_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    argv = ["crds", "--out", str(tmp_path / "crds")]
    assert main([*argv, "--check"]) == 1
    assert "run `make crds` and commit it" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
    assert main(argv) == 0
    assert main([*argv, "--check"]) == 0
    file = tmp_path / "crds" / "tradingbots.yaml"
    file.write_text(file.read_text().replace("maximum: 20", "maximum: 200"))
    assert main([*argv, "--check"]) == 1
    assert str(file) in capsys.readouterr().err


def nodes(schema: dict[str, Any], path: str) -> Iterator[tuple[str, dict[str, Any]]]:
    yield path, schema
    for name, field in schema.get("properties", {}).items():
        yield from nodes(field, f"{path}.{name}")
    for key in ("items", "additionalProperties"):
        if key in schema:
            yield from nodes(schema[key], f"{path}[]")


@pytest.mark.parametrize("resource", RESOURCES, ids=lambda resource: resource.kind)
def test_every_field_is_described_and_bounded(resource: Resource) -> None:
    """A list, map or string of the spec without a bound would cost the API server's CEL budget."""
    for path, schema in nodes(resource.schema()["properties"]["spec"], "spec"):
        assert "description" in schema or path.endswith("[]"), path
        match schema["type"]:
            case "array":
                assert "maxItems" in schema, path
            case "object" if "additionalProperties" in schema:
                assert "maxProperties" in schema, path
            case "string":
                assert {"maxLength", "enum", "pattern"} & set(schema), path
    for path, schema in nodes(resource.schema()["properties"]["status"], "status"):
        assert "description" in schema or path.endswith("[]"), path


def test_a_constraint_that_cannot_be_said_is_not_lost() -> None:
    class Odd(BaseModel):
        value: tuple[int, str]

    with pytest.raises(ValueError, match="no structural form of 'prefixItems'"):
        structural(Odd)


def test_a_rule_speaks_in_python_as_it_does_in_cel() -> None:
    with pytest.raises(ValidationError) as caught:
        Risk(stop_atr=3, take_profit_atr=2)
    assert sentence(caught.value) == "takeProfitAtr must be greater than stopAtr"

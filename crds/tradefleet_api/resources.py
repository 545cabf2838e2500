"""The two CustomResourceDefinitions as data: names, columns and rules around the schemas of the types."""

from dataclasses import dataclass
from typing import Any, Final

from pydantic import BaseModel

from tradefleet_api.modelversion import ModelVersionSpec, ModelVersionStatus
from tradefleet_api.names import GROUP, VERSION
from tradefleet_api.rules import VALIDATIONS, Rule
from tradefleet_api.scalars import MAX_NAME
from tradefleet_api.schema import structural
from tradefleet_api.tradingbot import TradingBotSpec, TradingBotStatus

CATEGORY: Final = "tradefleet"
"""`kubectl get tradefleet` lists both kinds."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of `kubectl get`; priority 1 shows with `-o wide` only."""

    name: str
    path: str
    type: str = "string"
    priority: int = 0
    description: str = ""

    def to_wire(self) -> dict[str, Any]:
        """The entry of `additionalPrinterColumns`."""
        wire = {"name": self.name, "type": self.type, "jsonPath": self.path, "description": self.description}
        return {key: value for key, value in wire.items() if value} | (
            {"priority": self.priority} if self.priority else {}
        )


@dataclass(frozen=True, slots=True)
class Resource:
    """One kind: what its CustomResourceDefinition and its reference page are made from."""

    kind: str
    plural: str
    short: str
    spec: type[BaseModel]
    status: type[BaseModel]
    description: str
    columns: tuple[Column, ...]
    rules: tuple[Rule, ...]

    @property
    def crd_name(self) -> str:
        """Name of the CustomResourceDefinition."""
        return f"{self.plural}.{GROUP}"

    def schema(self) -> dict[str, Any]:
        """The schema of the whole object."""
        return {
            "description": self.description,
            "type": "object",
            "required": ["spec"],
            "properties": {
                "apiVersion": {"type": "string"},
                "kind": {"type": "string"},
                "metadata": {"type": "object"},
                "spec": structural(self.spec),
                "status": structural(self.status),
            },
            VALIDATIONS: [rule.to_schema() for rule in self.rules],
        }

    def crd(self) -> dict[str, Any]:
        """The CustomResourceDefinition."""
        names = {
            "kind": self.kind,
            "listKind": f"{self.kind}List",
            "plural": self.plural,
            "singular": self.kind.lower(),
            "shortNames": [self.short],
            "categories": [CATEGORY],
        }
        version = {
            "name": VERSION,
            "served": True,
            "storage": True,
            "schema": {"openAPIV3Schema": self.schema()},
            "subresources": {"status": {}},
            "additionalPrinterColumns": [column.to_wire() for column in self.columns],
        }
        return {
            "apiVersion": "apiextensions.k8s.io/v1",
            "kind": "CustomResourceDefinition",
            "metadata": {"name": self.crd_name},
            "spec": {"group": GROUP, "scope": "Namespaced", "names": names, "versions": [version]},
        }


def _ready(column: str) -> Column:
    return Column(column, '.status.conditions[?(@.type=="Ready")].status', description="Condition Ready")


_AGE = Column("Age", ".metadata.creationTimestamp", "date")

_NAME_RULE = Rule(
    f"size(self.metadata.name) <= {MAX_NAME} && self.metadata.name.matches('^[a-z]([-a-z0-9]*[a-z0-9])?$')",
    f"metadata.name must have at most {MAX_NAME} characters (lower-case letters, digits and '-', a letter first), "
    "so that the names of its pods and Services fit",
    None,
)
_MODEL_NAME_RULE = Rule(
    f"size(self.metadata.name) <= {MAX_NAME}",
    f"metadata.name must have at most {MAX_NAME} characters, so that the names of its Jobs and labels fit",
    None,
)
_ACCOUNT_RULE = Rule(
    "!has(self.status) || !has(self.status.stable) || (self.spec.venue.type == oldSelf.spec.venue.type "
    "&& self.spec.venue.network == oldSelf.spec.venue.network)",
    "spec.venue.type and spec.venue.network cannot change once a model has run: its positions would stay behind "
    "unwatched; delete the bot (which flattens it) and create it anew",
    None,
    reason="FieldValueForbidden",
)
_SYMBOLS_RULE = Rule(
    "!has(self.status) || !has(self.status.stable) || oldSelf.spec.symbols.all(s, s in self.spec.symbols)",
    "spec.symbols: a symbol cannot be removed once a model has run: its position would stay behind unwatched; "
    "delete the bot (which flattens it) and create it anew",
    None,
    reason="FieldValueForbidden",
)

TRADING_BOT: Final = Resource(
    kind="TradingBot",
    plural="tradingbots",
    short="tb",
    spec=TradingBotSpec,
    status=TradingBotStatus,
    description="A trading bot: what it runs, under which limits, and how its model may change.",
    columns=(
        Column("Phase", ".status.phase"),
        Column("Stable", ".status.stable.name", description="Model that trades"),
        Column("Candidate", ".status.candidate.name", description="Model on its way"),
        Column("Step", ".status.step.name", description="Where the candidate stands"),
        Column("Mode", ".status.mode", description="Effective mode"),
        Column("Equity", ".status.bot.equity", description="In the quote currency"),
        _ready("Ready"),
        _AGE,
        Column("Position", ".status.bot.position", priority=1),
        Column("Decision", ".status.bot.lastDecision", priority=1, description="Last decision and its reason"),
        Column("Message", ".status.message", priority=1),
    ),
    rules=(_NAME_RULE, _ACCOUNT_RULE, _SYMBOLS_RULE),
)

MODEL_VERSION: Final = Resource(
    kind="ModelVersion",
    plural="modelversions",
    short="mv",
    spec=ModelVersionSpec,
    status=ModelVersionStatus,
    description="An immutable model bundle, verified by its digest before any bot runs it.",
    columns=(
        Column("Phase", ".status.phase"),
        Column("Digest", ".spec.artifact.sha256", description="SHA-256 that the bundle must have"),
        _AGE,
        Column("Uri", ".spec.artifact.uri", priority=1),
        Column("Message", ".status.message", priority=1),
    ),
    rules=(_MODEL_NAME_RULE,),
)

RESOURCES: Final = (TRADING_BOT, MODEL_VERSION)

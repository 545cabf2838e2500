"""Every example in the docstrings of the features and the book runs."""

import doctest
import importlib
import pkgutil
from types import ModuleType

import pytest

import tradefleet_bot.core.features as package
from tradefleet_bot.core import book

MODULES = [
    book,
    *(importlib.import_module(found.name) for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")),
]


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__.removeprefix("tradefleet_bot.core."))
def test_examples_hold(module: ModuleType) -> None:
    assert doctest.testmod(module).failed == 0


def test_every_feature_has_an_example() -> None:
    classes = {package.create(name).__class__ for name in package.REGISTRY}
    assert [cls.__name__ for cls in classes if ">>>" not in (cls.__doc__ or "")] == []

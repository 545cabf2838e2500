"""The examples in the docstrings are true."""

import doctest
import importlib

import pytest

MODULES = ("atr", "portfolio", "orders.ids", "orders.rounding")


@pytest.mark.parametrize("name", MODULES)
def test_examples(name: str) -> None:
    outcome = doctest.testmod(importlib.import_module(f"tradefleet_bot.core.{name}"))
    assert outcome.attempted
    assert not outcome.failed

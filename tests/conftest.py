"""Registers the shared fixtures, and marks the tests that use them by what they need."""

import signal

import pytest
from hypothesis import settings

# A machine that is busy with a cluster must not fail a property by its clock; benchmarks judge speed.
settings.register_profile("tradefleet", deadline=None, print_blob=True)
settings.load_profile("tradefleet")

# A shell's background job starts with SIGINT ignored, and so would every child that a test interrupts.
signal.signal(signal.SIGINT, signal.default_int_handler)

pytest_plugins = ["support.apiserver", "support.cluster"]

TIERS = {"apiserver": ("api", 120), "cluster": ("e2e", 600)}
"""Fixture → marker of the tests that use it, and how long one may take (seconds; bringing the tier up not counted)."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark by fixture, so that `-m "not e2e"` leaves out exactly the tests that would touch the cluster."""
    for item in items:
        for fixture, (marker, seconds) in TIERS.items():
            if fixture in getattr(item, "fixturenames", ()):
                item.add_marker(marker)
                if item.get_closest_marker("timeout") is None:
                    item.add_marker(pytest.mark.timeout(seconds, func_only=True))

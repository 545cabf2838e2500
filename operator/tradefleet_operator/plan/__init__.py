"""Decisions: pure functions from what was observed to a plan. No clock, no I/O; time is an argument."""

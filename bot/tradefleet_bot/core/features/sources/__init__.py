"""Incremental state that several features read: one per stream, updated once per event however many features read it.

A source takes in events in O(1) and never fails on bad data: what is implausible is dropped, and then the source goes
stale by itself. Features compute from sources only when they are asked (`get`), and asking changes nothing, so the
values do not depend on how often or when somebody asked.
"""

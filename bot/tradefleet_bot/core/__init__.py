"""The deterministic bot: events in, commands out; no clock, no randomness, no I/O."""

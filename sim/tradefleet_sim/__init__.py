"""An exchange in a process: matching engine, seeded market, replay, and real wire protocols. It imports no bot code."""

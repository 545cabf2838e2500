"""An exchange in a process: a matching engine behind a real venue's wire protocol, on generated or recorded markets."""

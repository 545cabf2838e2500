"""The process: configuration, sockets, ledger, HTTP, the watch on its own TradingBot."""

"""Binance USD-M futures on the wire: REST, market streams and user data stream over the engine."""

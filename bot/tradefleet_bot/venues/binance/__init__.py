"""Binance USD-M futures: sans-I/O codecs, and the thin sockets that drive them."""

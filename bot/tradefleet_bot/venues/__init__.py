"""Venues: sans-I/O codecs (decoding, signing, book building) and the thin sockets that drive them."""

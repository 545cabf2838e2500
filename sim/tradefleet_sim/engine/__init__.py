"""The exchange without its wire: matching, margin, fees, funding, liquidation. No clock, no sockets, no randomness.

Time comes in with every call (milliseconds of the epoch), what happened comes out as events; a venue's front turns its
requests into calls and the events into its own messages.
"""

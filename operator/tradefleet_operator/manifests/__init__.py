"""Children of a TradingBot and a ModelVersion as plain data: pure builders, one file a kind.

Quantities and fields are written as the API server stores them, so that a live object that nobody touched covers its
manifest (`covers`) and is left alone.
"""

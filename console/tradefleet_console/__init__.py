"""What people use: the `tradefleet` command line."""

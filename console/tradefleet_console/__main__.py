"""`python -m tradefleet_console` is `tradefleet`."""

import sys

from tradefleet_console.cli import main

sys.exit(main())

"""The bot: a pure core, venue codecs around it, and the process that runs them."""

"""Where prices come from: a seeded generator or a recording; both speak the events of `market.events`."""

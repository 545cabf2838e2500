"""Orders: what is wanted of the venue, the life cycle of what was sent, and the names it was sent under."""

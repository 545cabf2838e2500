"""The journal: every event in and every command out, so that a bug in production is a file."""

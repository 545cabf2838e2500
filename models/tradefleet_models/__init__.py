"""Models: recordings to features to ensemble to policy to a bundle, and its verification."""

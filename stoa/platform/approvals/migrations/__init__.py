"""Schema of the asks."""

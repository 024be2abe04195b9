"""Management commands of the flags."""

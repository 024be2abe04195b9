"""Commands of observability."""

"""Commands about HTTP."""

"""Routes of organizations, a module a noun."""

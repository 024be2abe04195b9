"""Writes of organizations, a module a noun."""

"""Writes of accounts, a file a noun."""

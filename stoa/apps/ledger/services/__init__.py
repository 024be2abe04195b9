"""Writes of the ledger, a module a noun."""

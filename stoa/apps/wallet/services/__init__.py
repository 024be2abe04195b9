"""Writes of wallets, a module a noun."""

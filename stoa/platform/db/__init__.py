"""Transactions, ordered locks, tenant scope, connection options and TLS."""

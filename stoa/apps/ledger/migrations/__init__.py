"""The history of the tables of ledger."""

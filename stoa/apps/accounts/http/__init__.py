"""Routes of accounts, a module a subject."""

"""Commands of the database plumbing."""

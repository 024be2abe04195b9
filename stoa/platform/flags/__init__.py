"""Feature flags: declared in code, one row each in the database, with the environment's word above both.

A flag is asked from a snapshot in the process, in microseconds and without a query. A thread looks every second whether
the rows changed, so that a change is in force everywhere within two; while the database is away the last known rows
stay in force. A flag that no code declares is off, and nobody can ask for it by a misspelt name."""

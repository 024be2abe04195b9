"""Whatever happens after a commit, happens: events written with their cause, delivered to each subscriber.

`publishing.publish()` writes one row in the caller's transaction; `expand_events` makes one delivery row per subscriber;
`delivering` runs them, each done in the transaction of its effect (`@reacts`) or under a lease (`@sends`).
"""

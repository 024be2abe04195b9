"""Real processes of the outbox, killed while they work: `make soak`, and its short form in the suite."""

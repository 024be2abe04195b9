"""What tests of every app need: the HTTP client, race harness, pause points, fault injection."""

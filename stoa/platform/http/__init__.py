"""The HTTP contract: envelope, errors, pages, limits, idempotency, access, OpenAPI."""

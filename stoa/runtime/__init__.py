"""Django-free ground shared by every process: configuration, logs, request context, tokens, HTTP client."""

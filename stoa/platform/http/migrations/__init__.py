"""Schema of platform/http."""

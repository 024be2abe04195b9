"""Django's settings, derived from the typed configuration."""

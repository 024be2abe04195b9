"""Of development."""

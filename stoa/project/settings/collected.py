"""Where `collectstatic` puts files, for settings and for the command that serves without loading them."""

from pathlib import Path

COLLECTED = Path("staticfiles")

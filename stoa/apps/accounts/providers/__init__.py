"""Outside services that accounts talks to."""

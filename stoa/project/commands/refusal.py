"""Why a command cannot start, in one line for the person at the terminal."""


class CannotStart(Exception):
    """Raised before anything was changed; the command line prints it and exits with 1."""

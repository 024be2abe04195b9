"""Why the database would not have us, in one line."""


def refusal_line(error: BaseException) -> str:
    """libpq's own reason, without the hint and the list of attempts that it adds. It never holds a password."""
    return f"database: {' '.join(str(error).split(chr(10), 1)[0].split())}"

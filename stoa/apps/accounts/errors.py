"""Refusals of accounts."""

from stoa.kit.errors import Conflict, Unauthenticated


class EmailTaken(Conflict):
    code, message = "EMAIL_TAKEN", "This e-mail is registered already."


class HandleTaken(Conflict):
    code, message = "HANDLE_TAKEN", "This handle is taken."


class BadCredentials(Unauthenticated):
    """One answer for an unknown e-mail, a wrong password and a disabled account."""

    code, message = "BAD_CREDENTIALS", "E-mail or password is not right."


class RefreshRefused(Unauthenticated):
    """Unknown, used before, expired or signed out: the caller signs in again."""

    code, message = "REFRESH_REFUSED", "Sign in again."

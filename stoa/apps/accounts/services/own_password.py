"""The password of somebody who is signed in, asked for again before what an access token alone must not do."""

from uuid import UUID

from django.contrib.auth.hashers import check_password

from stoa.apps.accounts.errors import WrongPassword
from stoa.apps.accounts.models import User
from stoa.apps.accounts.services.lockout import count_attempt, take_back


def prove_own_password(*, user_id: UUID, password: str, address: str, way: str) -> User:
    """The person as they were when it was checked: under the row's lock, compare `password` with theirs again.

    The guess is counted before it is checked, so that a stolen access token guesses no more than a stranger does. Some
    50 ms of argon2: call it before the transaction. Raises WrongPassword, also for an account without one, LockedOut."""
    user = User.objects.get(pk=user_id)
    attempt = count_attempt(user=user, login="", address=address, way=way)
    if not check_password(password, user.password):
        raise WrongPassword
    take_back(attempt=attempt)
    return user

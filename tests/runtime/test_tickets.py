"""One-time tickets: for the gateway only, for half a minute, standing for the token they were made from."""

from datetime import timedelta

import pytest

from stoa.kit.clock import utc_now
from stoa.kit.errors import Unauthenticated
from stoa.kit.ids import new_uuid
from stoa.runtime.internal_secret import internal_secret, knows_secret
from stoa.runtime.tickets import LIFE_S, make_ticket, read_ticket
from stoa.runtime.tokens import make_access_token, read_access_token

USER, SESSION = new_uuid(), new_uuid()
ENDS = utc_now().replace(microsecond=0) + timedelta(minutes=9)


def test_ticket_says_whose_it_is_and_until_when() -> None:
    claims = read_ticket(make_ticket(user_id=USER, session_id=SESSION, expires_at=ENDS))
    assert (claims.user_id, claims.session_id, claims.expires_at) == (USER, SESSION, ENDS)


def test_ticket_ends_after_half_a_minute() -> None:
    old = utc_now() - timedelta(seconds=LIFE_S + 1)
    with pytest.raises(Unauthenticated):
        read_ticket(make_ticket(user_id=USER, session_id=SESSION, expires_at=ENDS, now=old))


def test_token_and_ticket_do_not_pass_for_each_other() -> None:
    with pytest.raises(Unauthenticated):
        read_ticket(make_access_token(user_id=USER, session_id=SESSION))
    with pytest.raises(Unauthenticated):
        read_access_token(make_ticket(user_id=USER, session_id=SESSION, expires_at=ENDS))


@pytest.mark.parametrize("damaged", ["", "x", "a.b.c", "\ud800"])
def test_what_is_no_ticket_is_refused(damaged: str) -> None:
    with pytest.raises(Unauthenticated):
        read_ticket(damaged)


def test_internal_calls_need_the_whole_secret() -> None:
    assert knows_secret(f"Bearer {internal_secret()}")
    for wrong in (None, "", "Bearer ", internal_secret(), f"Bearer {internal_secret()[:-1]}", "Bearer \udcff"):
        assert not knows_secret(wrong)

"""Access tokens: what is signed by whom, and every other token that is no access token of ours."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest
from pydantic import SecretStr

from stoa.kit.clock import utc_now
from stoa.kit.errors import Unauthenticated
from stoa.kit.ids import new_id, new_uuid
from stoa.runtime.config import current
from stoa.runtime.tokens import make_access_token, read_access_token

A, B = "a-secret-" * 8, "b-secret-" * 8
USER, SESSION = new_uuid(), new_uuid()

type Configure = Callable[..., None]


@pytest.fixture
def configure() -> Iterator[Configure]:
    """Other keys in force, by the configuration's own seam."""
    chosen = current.loaded()

    def change(**fields: str) -> None:
        secret = {"jwt_keys": None, "jwt_secret": None} | {name: SecretStr(value) for name, value in fields.items()}
        current.use(type(chosen)(chosen.settings.model_copy(update=secret), chosen.origins))

    yield change
    current.use(chosen)


def claims(**changes: object) -> dict[str, Any]:
    now = utc_now()
    whole = {
        "iss": "stoa",
        "aud": "stoa-api",
        "sub": str(USER),
        "sid": str(SESSION),
        "jti": new_id(),
        "iat": now,
        "exp": now + timedelta(minutes=5),
        "typ": "access",
        **changes,
    }
    return {name: value for name, value in whole.items() if value is not None}


def signed(*, secret: str = A, kid: str | None = "a", algorithm: str = "HS256", **changes: object) -> str:
    headers = {"kid": kid} if kid is not None else {}
    return jwt.encode(claims(**changes), secret, algorithm=algorithm, headers=headers)


def test_what_was_made_is_read(configure: Configure) -> None:
    configure(jwt_keys=f"a:{A}")
    now = utc_now()
    read = read_access_token(make_access_token(user_id=USER, session_id=SESSION, now=now))
    assert (read.user_id, read.session_id) == (USER, SESSION)
    assert read.expires_at == now.replace(microsecond=0) + timedelta(minutes=15)


def test_the_claims_are_these_and_name_no_organization(configure: Configure) -> None:
    configure(jwt_keys=f"a:{A}")
    token = make_access_token(user_id=USER, session_id=SESSION)
    assert jwt.get_unverified_header(token) == {"alg": "HS256", "kid": "a", "typ": "JWT"}
    body = jwt.decode(token, options={"verify_signature": False})
    assert set(body) == {"iss", "aud", "sub", "sid", "jti", "iat", "exp", "typ"}
    assert body["exp"] - body["iat"] == 15 * 60


def test_the_reader_takes_a_token_made_by_hand(configure: Configure) -> None:
    configure(jwt_keys=f"a:{A}")
    assert read_access_token(signed()).user_id == USER


@pytest.mark.parametrize(
    "wrong",
    [
        {"secret": B},
        {"kid": None},
        {"kid": "b"},
        {"kid": ""},
        {"algorithm": "HS512"},
        {"algorithm": "HS384"},
        {"iss": "another"},
        {"iss": None},
        {"aud": "another"},
        {"aud": None},
        {"typ": "refresh"},
        {"typ": None},
        {"sub": "not an id"},
        {"sub": None},
        {"sid": "7"},
        {"sid": None},
        {"jti": None},
        {"iat": None},
        {"exp": None},
        {"exp": datetime(2026, 1, 1, tzinfo=UTC)},
        {"exp": "soon"},
        {"iat": datetime(2126, 1, 1, tzinfo=UTC)},
    ],
    ids=str,
)
def test_anything_else_is_refused(configure: Configure, wrong: dict[str, Any]) -> None:
    configure(jwt_keys=f"a:{A}")
    with pytest.raises(Unauthenticated):
        read_access_token(signed(**wrong))


@pytest.mark.parametrize("token", ["", "x", "a.b.c", "é.é.é", "." * 5, "{}", "\x00"])
def test_what_is_no_token_is_refused(token: str) -> None:
    with pytest.raises(Unauthenticated):
        read_access_token(token)


def test_an_unsigned_token_is_refused(configure: Configure) -> None:
    configure(jwt_keys=f"a:{A}")
    none = jwt.encode(claims(), "", algorithm="none", headers={"kid": "a"})
    stripped = signed().rpartition(".")[0] + "."
    for token in (none, stripped):
        with pytest.raises(Unauthenticated):
            read_access_token(token)


def test_a_key_id_that_is_no_text_is_refused(configure: Configure) -> None:
    configure(jwt_keys=f"a:{A}")
    header, body, signature = signed().split(".")
    for kid in ("eyJhbGciOiJIUzI1NiIsImtpZCI6WyJhIl19", "eyJhbGciOiJIUzI1NiIsImtpZCI6MX0", "W10"):
        with pytest.raises(Unauthenticated):
            read_access_token(f"{kid}.{body}.{signature}")
    assert header


def test_a_key_rotates_without_signing_anybody_out(configure: Configure) -> None:
    configure(jwt_keys=f"a:{A}")
    old = make_access_token(user_id=USER, session_id=SESSION)
    configure(jwt_keys=f"b:{B},a:{A}")
    new = make_access_token(user_id=USER, session_id=SESSION)
    assert jwt.get_unverified_header(new)["kid"] == "b"
    assert read_access_token(old).session_id == read_access_token(new).session_id == SESSION
    configure(jwt_keys=f"b:{B}")
    assert read_access_token(new).session_id == SESSION
    with pytest.raises(Unauthenticated):
        read_access_token(old)


def test_keys_take_over_from_the_one_secret(configure: Configure) -> None:
    configure(jwt_secret=A)
    old = make_access_token(user_id=USER, session_id=SESSION)
    assert jwt.get_unverified_header(old)["kid"] == "main"
    configure(jwt_secret=A, jwt_keys=f"b:{B}")
    assert read_access_token(old).user_id == USER
    assert jwt.get_unverified_header(make_access_token(user_id=USER, session_id=SESSION))["kid"] == "b"


def test_without_a_key_of_their_own_all_processes_derive_the_same(configure: Configure) -> None:
    configure()
    token = make_access_token(user_id=USER, session_id=SESSION)
    configure(jwt_secret=A)
    with pytest.raises(Unauthenticated):
        read_access_token(token)
    configure()
    assert read_access_token(token).user_id == USER

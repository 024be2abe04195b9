"""Other people: found by handle and name, seen without what is theirs alone."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from stoa.apps.accounts.models import User
from stoa.apps.accounts.tests.factories import Person, make_user
from stoa.kit.clock import utc_now
from stoa.platform.testing.client import ApiClient, envelope

PEOPLE = "/api/v1/users"
OWN = {
    "id",
    "email",
    "handle",
    "name",
    "is_staff",
    "created_at",
    "bio",
    "locale",
    "timezone",
    "email_verified",
    "phone",
    "phone_verified",
    "birth",
    "settings",
}


def found(api: ApiClient, person: Person, q: str, **query: str | int) -> list[str]:
    return [each["handle"] for each in api.bearer(person.access).read(PEOPLE, q=q, **query).data]


def test_others_see_what_is_public_the_owner_and_staff_see_all(
    api: ApiClient, member: Person, outsider: Person, staff: Person
) -> None:
    path = f"{PEOPLE}/{member.user.pk}"
    seen = api.bearer(outsider.access).read(path).data
    assert set(seen) == {"id", "handle", "name", "bio", "created_at", "own"}
    assert seen["own"] is None
    assert member.user.email not in str(seen)
    for person in (member, staff):
        own = api.bearer(person.access).read(path).data["own"]
        assert set(own) == OWN
        assert own["email"] == member.user.email


def test_staff_without_the_permission_see_no_more_than_others(api: ApiClient, member: Person) -> None:
    from stoa.apps.accounts.tests.factories import make_person

    plain = make_person("Plain", is_staff=True)
    assert api.bearer(plain.access).read(f"{PEOPLE}/{member.user.pk}").data["own"] is None


@pytest.mark.parametrize("change", ["disabled", "closed", "erased"])
def test_who_is_gone_is_missing(api: ApiClient, member: Person, outsider: Person, staff: Person, change: str) -> None:
    columns: dict[str, dict[str, object]] = {
        "disabled": {"is_active": False},
        "closed": {"erase_at": utc_now()},
        "erased": {"erased_at": utc_now()},
    }
    for name, value in columns[change].items():
        setattr(member.user, name, value)
    member.user.save()
    path = f"{PEOPLE}/{member.user.pk}"
    assert api.bearer(outsider.access).read(path).status == 404
    assert api.bearer(staff.access).read(path).status == (404 if change == "erased" else 200)
    assert member.user.handle not in found(api, outsider, "member")


def test_by_the_beginning_of_handle_or_name_once_each(api: ApiClient, member: Person) -> None:
    make_user("Anna", handle="anna_1", email="one@example.org")
    make_user("Anatoli", handle="zz_top", email="two@example.org")
    make_user("Ｂｏｒｉｓ Straße", handle="ana_b", email="anaconda@example.org")
    make_user("ანა", handle="georgian", email="three@example.org")
    assert sorted(found(api, member, "ana")) == ["ana_b", "zz_top"]
    assert found(api, member, "@ANNA") == ["anna_1"]
    assert found(api, member, "boris strasse") == ["ana_b"]
    assert found(api, member, "ან") == ["georgian"]
    assert found(api, member, "onda") == found(api, member, "top") == found(api, member, "%") == []


def test_never_by_email(api: ApiClient, member: Person, outsider: Person) -> None:
    make_user("Known", handle="other_word", email="secretword@example.org")
    for q in ("secretword", "secretword@example.org", "example.org", outsider.user.email):
        assert found(api, member, q) == []


def test_an_edit_is_found_by_its_new_words_alone(api: ApiClient, member: Person) -> None:
    body = {"name": "Zurab", "handle": "zura"}
    assert api.bearer(member.access).send_json("PATCH", "/api/v1/users/me", body).status == 200
    assert found(api, member, "zur") == ["zura"]
    assert found(api, member, "member") == []


def test_pages_neither_repeat_nor_skip_and_cost_one_query(api: ApiClient, member: Person) -> None:
    User.objects.bulk_create(
        User(email=f"p{n}@example.org", handle=f"page_{n:02}", name=f"{'Page' if n % 2 else 'Other'} {n}")
        for n in range(9)
    )
    User.objects.bulk_create(
        User(email=f"q{n}@example.org", handle=f"x_{n:02}", name="Page of equals") for n in range(5)
    )
    caller, seen, cursor = api.bearer(member.access), list[str](), None
    while True:
        query: dict[str, str | int] = {"q": "page", "limit": 3, **({"cursor": cursor} if cursor else {})}
        with CaptureQueriesContext(
            connection,
        ) as queries:
            page = caller.read(PEOPLE, **query)
        assert len(queries) == 2, "the caller's session, and the page"
        seen += [each["handle"] for each in page.data]
        previous = page.meta["pagination"]["prev_cursor"]
        cursor = page.meta["pagination"]["next_cursor"]
        if cursor is None:
            break
    assert len(seen) == len(set(seen)) == 14
    back = caller.read(PEOPLE, q="page", limit=3, cursor=previous)
    assert [each["handle"] for each in back.data] == seen[-5:-2]
    assert caller.read(PEOPLE, q="pag", limit=3, cursor=previous).status == 400


def test_the_search_walks_indexes(db: None) -> None:
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL enable_seqscan = off")
    with connection.cursor() as cursor:
        explain = "EXPLAIN " if connection.vendor == "postgresql" else "EXPLAIN QUERY PLAN "
        for column in ("handle_key", "name_key"):
            cursor.execute(
                f"{explain}SELECT {column}, id FROM accounts_user WHERE {column} >= %s AND {column} < %s "
                f"AND is_active AND erase_at IS NULL ORDER BY {column}, id LIMIT 21",
                ["61", "61g"],
            )
            plan = str(cursor.fetchall())
            assert f"accounts_user_by_{column.removesuffix('_key')}" in plan
            assert "TEMP B-TREE" not in plan
            assert "Sort" not in plan


@pytest.mark.parametrize("q", ["", " ", "@", "\u3000", "x" * 65])
def test_a_search_for_nothing_is_422(api: ApiClient, member: Person, q: str) -> None:
    assert envelope(api.get(PEOPLE, params={"q": q}, headers=member.bearer)).fields.keys() == {"q"}


@pytest.mark.parametrize("q", ["ﷺ" * 64, "İ" * 64, "\U0001f600" * 64, "%_\\'\""])
def test_odd_letters_are_no_trouble(api: ApiClient, member: Person, q: str) -> None:
    make_user(q[:120], handle="odd_one", email="odd@example.org")
    assert found(api, member, q) == ["odd_one"]

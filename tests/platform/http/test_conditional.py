"""ETag, If-None-Match and If-Match: what is unchanged is not sent again, and what has changed is not overwritten."""

import pytest

from stoa.apps.accounts.tests.factories import Person
from stoa.kit.ids import new_id
from stoa.platform.testing.client import ApiClient, envelope
from tests.probe.models import Note


@pytest.fixture
def note(member: Person) -> Note:
    return Note.objects.create(title="first", owner_id=member.user.pk)


def address(note: Note) -> str:
    return f"/api/v1/probe/notes/{note.pk}"


def test_a_read_names_its_version_and_not_its_body(api: ApiClient, member: Person, note: Note) -> None:
    one, two = (api.get(address(note), headers=member.bearer) for _ in range(2))
    assert one.headers["etag"] == two.headers["etag"] == '"1"'
    assert one.content != two.content


@pytest.mark.parametrize("known", ['"1"', 'W/"1"', '"7", "1"', "*"])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_what_the_caller_has_is_not_sent_again(
    api: ApiClient, member: Person, note: Note, known: str, method: str
) -> None:
    response = api.request(method, address(note), headers={**member.bearer, "If-None-Match": known})
    assert (response.status_code, response.content) == (304, b"")
    assert response.headers["etag"] == '"1"'
    assert "content-length" not in response.headers or response.headers["content-length"] == "0"
    assert "x-request-id" in response.headers


@pytest.mark.parametrize("known", ['"2"', "1", '"11"', "", 'W/"2"'])
def test_another_version_is_sent(api: ApiClient, member: Person, note: Note, known: str) -> None:
    response = api.get(address(note), headers={**member.bearer, "If-None-Match": known})
    assert response.status_code == 200
    assert envelope(response).data["title"] == "first"


def test_a_write_on_the_version_that_was_read_is_taken_once(api: ApiClient, member: Person, note: Note) -> None:
    headers = {**member.bearer, "If-Match": '"1"'}
    won = api.patch(address(note), json={"title": "second"}, headers=headers)
    assert (won.status_code, won.headers["etag"]) == (200, '"2"')
    lost = envelope(api.patch(address(note), json={"title": "third"}, headers=headers))
    assert (lost.status, lost.code) == (412, "PRECONDITION_FAILED")
    note.refresh_from_db()
    assert (note.title, note.version) == ("second", 2)


@pytest.mark.parametrize("headers", [{}, {"If-Match": "*"}, {"If-Match": '"0", "1"'}])
def test_without_a_condition_or_with_one_that_holds_the_write_is_taken(
    api: ApiClient, member: Person, note: Note, headers: dict[str, str]
) -> None:
    assert api.patch(address(note), json={"title": "second"}, headers={**member.bearer, **headers}).status_code == 200


@pytest.mark.parametrize("stale", ['"0"', "1", '"2"', '"nothing of ours"'])
def test_a_write_on_another_version_changes_nothing(api: ApiClient, member: Person, note: Note, stale: str) -> None:
    answer = api.bearer(member.access).send_json("PATCH", address(note), {"title": "second"}, If_Match=stale)
    assert (answer.status, answer.code) == (412, "PRECONDITION_FAILED")
    note.refresh_from_db()
    assert (note.title, note.version) == ("first", 1)


def test_what_is_not_there_is_missing_whatever_the_condition(api: ApiClient, member: Person) -> None:
    gone = f"/api/v1/probe/notes/{new_id()}"
    assert api.bearer(member.access).send_json("PATCH", gone, {"title": "x"}, If_Match='"1"').status == 404
    assert api.get(gone, headers={**member.bearer, "If-None-Match": "*"}).status_code == 404


def test_another_persons_version_cannot_be_probed(api: ApiClient, member: Person, outsider: Person, note: Note) -> None:
    for tag in ('"1"', '"2"'):
        assert api.get(address(note), headers={**outsider.bearer, "If-None-Match": tag}).status_code == 404
        answer = api.bearer(outsider.access).send_json("PATCH", address(note), {"title": "x"}, If_Match=tag)
        assert (answer.status, answer.code) == (404, "NOT_FOUND")

"""Writers who read the same version, at once: one wins, the others learn that they lost."""

import pytest

from stoa.apps.accounts.tests.factories import make_person
from stoa.platform.testing.client import ApiClient, Envelope
from stoa.platform.testing.pausing import meeting_at, skipped_at
from stoa.platform.testing.races import repeat_together
from stoa.project.wsgi import application

pytestmark = pytest.mark.race
ME = "/api/v1/users/me"


def answers_of_four_writers() -> tuple[list[int], int]:
    """Their statuses, sorted, and by how much the version rose."""
    person = make_person("Edited")

    def edit(number: int) -> Envelope:
        with ApiClient(application, token=person.access) as api:
            return api.send_json("PATCH", ME, {"name": f"Writer {number}"}, If_Match='"1"')

    with meeting_at("accounts.version_read", parties=4):
        answers = [one.result() for one in repeat_together(4, edit)]
    won = [number for number, answer in enumerate(answers) if answer is not None and answer.status == 200]
    person.user.refresh_from_db()
    assert person.user.name in {f"Writer {number}" for number in won}
    assert {answer.code for answer in answers if answer is not None} <= {"", "PRECONDITION_FAILED"}
    return sorted(answer.status for answer in answers if answer is not None), person.user.version - 1


def test_of_four_writers_on_one_version_exactly_one_wins(committed_db: None) -> None:
    assert answers_of_four_writers() == ([200, 412, 412, 412], 1)


def test_without_the_row_lock_all_win_and_three_edits_are_lost(committed_db: None) -> None:
    with skipped_at("accounts.lock_user"):
        assert answers_of_four_writers() == ([200, 200, 200, 200], 1)

"""One push token registered by two accounts at once: it belongs to one of them."""

import pytest
from django.db import IntegrityError

from stoa.apps.accounts.models import PushDevice
from stoa.apps.accounts.services.devices import keep_device
from stoa.apps.accounts.tests.factories import make_user
from stoa.kit.ids import new_id
from stoa.platform.testing.pausing import meeting_at, skipped_at
from stoa.platform.testing.races import Outcome, repeat_together

pytestmark = pytest.mark.race


def moved_by_three() -> tuple[str, list[Outcome[object]]]:
    """Somebody else has the token; three others take it at once."""
    token = new_id()
    first, *others = (make_user("Pusher").pk for _ in range(4))
    keep_device(user_id=first, platform="web", token=token, name="")
    with meeting_at("accounts.device_read", parties=3):
        outcomes: list[Outcome[object]] = repeat_together(
            3, lambda number: keep_device(user_id=others[number], platform="web", token=token, name=str(number))
        )
    return token, outcomes


def test_every_one_succeeds_and_the_last_has_it(committed_db: None) -> None:
    token, outcomes = moved_by_three()
    assert [one.error for one in outcomes] == [None] * 3
    (row,) = [row for row in PushDevice.objects.order_by("-created_at")[:10] if row.token == token]
    assert row.name in {"0", "1", "2"}


def test_without_the_lock_somebody_is_answered_with_a_crash(committed_db: None) -> None:
    with skipped_at("accounts.lock_device"):
        _, outcomes = moved_by_three()
    assert IntegrityError in {type(one.error) for one in outcomes}

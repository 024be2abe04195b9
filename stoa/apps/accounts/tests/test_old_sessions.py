"""Sessions that expired long ago are forgotten, thirty days after and not before."""

from datetime import timedelta

from stoa.apps.accounts.models import Session
from stoa.apps.accounts.tests.factories import Person
from stoa.kit.clock import utc_now
from stoa.kit.ids import new_id
from stoa.platform.sweeps.registry import declared


def session(person: Person, *, expired_days: float) -> Session:
    expires_at = utc_now() - timedelta(days=expired_days)
    return Session.objects.create(user=person.user, refresh_hash=new_id(), expires_at=expires_at)


def test_only_sessions_expired_thirty_days_ago_go_in_batches_oldest_first(member: Person) -> None:
    living = set(Session.objects.values_list("pk", flat=True))
    kept = {session(member, expired_days=days).pk for days in (-1, 1, 29.9)}
    gone = [session(member, expired_days=days).pk for days in (30.1, 40, 50)]
    run = declared()["accounts.old_sessions"].run
    assert run(2) == 2
    assert set(Session.objects.values_list("pk", flat=True)) == living | kept | {gone[0]}
    assert [run(2), run(2)] == [1, 0]
    assert set(Session.objects.values_list("pk", flat=True)) == living | kept

"""Erasure against a sign-in, and two requests for one archive, on real connections."""

from datetime import timedelta

import pytest
from django.db import IntegrityError

from stoa.apps.accounts.errors import BadCredentials
from stoa.apps.accounts.models import DataExport, Session, User
from stoa.apps.accounts.services.closing import close_account
from stoa.apps.accounts.services.erasure import erase_due, erase_person
from stoa.apps.accounts.services.exports import request_export
from stoa.apps.accounts.services.sessions import Device, sign_in
from stoa.apps.accounts.tests.factories import PASSWORD, make_user
from stoa.kit.clock import utc_now
from stoa.platform.outbox.models import OutboxEvent
from stoa.platform.testing.pausing import held_at, skipped_at
from stoa.platform.testing.races import Outcome, repeat_together, run_together

pytestmark = pytest.mark.race
DEVICE = Device(agent="race", address="203.0.113.9")


def closed_and_due() -> User:
    user = make_user("Leaver")
    close_account(user_id=user.pk, password=PASSWORD, address=DEVICE.address)
    User.objects.filter(pk=user.pk).update(erase_at=utc_now() - timedelta(seconds=1))
    return user


def erased_while_signing_in() -> tuple[User, Outcome[object]]:
    """The password is checked; then the erasure commits; then the session would be opened."""
    user = closed_and_due()
    with held_at("accounts.before_admit") as hold:

        def erase() -> object:
            hold.wait_until_reached()
            erased = erase_person(user_id=user.pk, due_by=utc_now())
            hold.release()
            return erased

        signing, erasing = run_together(lambda: sign_in(login=user.email, password=PASSWORD, device=DEVICE), erase)
    assert erasing.value is True
    return user, signing


def test_who_is_erased_while_signing_in_is_not_signed_in(committed_db: None) -> None:
    user, signing = erased_while_signing_in()
    assert type(signing.error) is BadCredentials
    assert Session.objects.filter(user=user).count() == 0


def test_without_the_second_look_an_address_is_kept_of_somebody_erased(committed_db: None) -> None:
    with skipped_at("accounts.admit"):
        user, _ = erased_while_signing_in()
    assert [row.address for row in Session.objects.filter(user=user)] == [DEVICE.address]


def signed_in_while_the_sweep_runs() -> User:
    """The sweep has found the person due; then they sign in; then it erases."""
    user = closed_and_due()
    with held_at("accounts.erasure_due") as hold:

        def come_back() -> object:
            hold.wait_until_reached()
            signed_in = sign_in(login=user.email, password=PASSWORD, device=DEVICE)
            hold.release()
            return signed_in

        outcomes = run_together(lambda: erase_due(limit=100), come_back)
    assert [one.error for one in outcomes] == [None, None]
    return User.objects.get(pk=user.pk)


def test_who_comes_back_in_time_stays(committed_db: None) -> None:
    user = signed_in_while_the_sweep_runs()
    assert (user.erased_at, user.erase_at) == (None, None)
    assert Session.objects.filter(user=user, revoked_at=None).count() == 1


def test_without_the_second_look_somebody_restored_is_erased(committed_db: None) -> None:
    with skipped_at("accounts.still_due"):
        user = signed_in_while_the_sweep_runs()
    assert user.erased_at is not None


def two_requests_for_one_archive() -> tuple[User, list[Outcome[object]]]:
    user = make_user("Asker")
    return user, repeat_together(4, lambda _: request_export(user_id=user.pk))


def test_four_requests_ask_for_one_archive(committed_db: None) -> None:
    user, outcomes = two_requests_for_one_archive()
    assert [one.error for one in outcomes] == [None] * 4
    assert DataExport.objects.filter(user=user).count() == 1
    asked = OutboxEvent.objects.filter(name="accounts.export_requested", payload__contains=str(user.pk))
    assert asked.count() == 1


def test_without_the_conflict_clause_the_others_are_answered_with_a_crash(committed_db: None) -> None:
    with skipped_at("accounts.one_export"):
        _, outcomes = two_requests_for_one_archive()
    assert [type(one.error) for one in outcomes].count(IntegrityError) == 3

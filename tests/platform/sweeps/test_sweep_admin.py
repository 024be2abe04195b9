"""Schedules in the admin: seen, switched off and on, run now; nothing else can be changed."""

from datetime import timedelta

import pytest
from django.test import Client

from stoa.apps.accounts.tests.factories import Person
from stoa.kit.clock import utc_now
from stoa.platform.sweeps.models import Sweep


@pytest.fixture
def browser(staff: Person) -> Client:
    client = Client()
    client.force_login(staff.user)
    return client


@pytest.fixture
def row(db: None) -> Sweep:
    return Sweep.objects.create(
        name="probe.shown", every_s=60, failures=2, last_error="Broken: x", next_at=utc_now() + timedelta(hours=1)
    )


def test_a_failing_sweep_is_seen_and_only_its_switch_can_be_changed(browser: Client, row: Sweep) -> None:
    assert "Broken: x" in browser.get("/admin/sweeps/sweep/").content.decode()
    saved = browser.post(f"/admin/sweeps/sweep/{row.pk}/change/", {"every_s": "1", "failures": "0"})
    assert saved.status_code == 302
    after = Sweep.objects.get(pk=row.pk)
    assert (after.enabled, after.every_s, after.failures) == (False, 60, 2)
    assert browser.get("/admin/sweeps/sweep/add/").status_code == 403


def test_run_now_makes_it_due(browser: Client, row: Sweep) -> None:
    browser.post("/admin/sweeps/sweep/", {"action": "run_now", "_selected_action": [row.pk]})
    assert Sweep.objects.get(pk=row.pk).next_at <= utc_now()


@pytest.mark.parametrize(
    "page", ["sweeps/heartbeat", "django_celery_beat/periodictask", "django_celery_results/taskresult"]
)
def test_processes_beat_and_results_have_their_pages(browser: Client, page: str) -> None:
    assert browser.get(f"/admin/{page}/").status_code == 200

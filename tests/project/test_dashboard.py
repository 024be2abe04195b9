"""The admin's first page: few queries, whatever there is, and no figure of what one may not view."""

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from stoa.apps.accounts.models import User
from stoa.apps.accounts.tests.factories import Person, make_user
from stoa.platform.audit.models import AuditRecord, Severity
from stoa.platform.audit.recording import record
from stoa.platform.db.transactions import transaction
from stoa.project import dashboard


def ask(person: Person) -> tuple[dict[str, str], list[str], int]:
    """Figures by title, the acts shown, and how many queries it took."""
    client = Client()
    client.force_login(person.user)
    with CaptureQueriesContext(connection) as caught:
        page = client.get("/admin/")
    assert page.status_code == 200
    figures = {figure.title: figure.value for figure in page.context_data["figures"]}
    return figures, [act.action for act in page.context_data["acts"]], len(caught)


def test_it_says_how_the_house_stands(staff: Person, org_id: object) -> None:
    figures, acts, queries = ask(staff)
    people = User.objects.count()
    assert figures == {
        "New people": str(people), "Locked out": "0", "Sign-ins": str(people), "New organizations": "1",
        "Suspended": "0", "Outbox": "0", "Parked": "0", "Failing sweeps": "0",
    }  # fmt: skip
    assert acts == ["organizations.created"]
    assert queries == 14


def test_the_last_acts_are_the_newest(staff: Person) -> None:
    with transaction():
        for number in range(dashboard.ACTS_SHOWN + 3):
            record(action=f"probe.act_{number:02}", severity=Severity.WARNING)
    _, acts, _ = ask(staff)
    assert acts == [f"probe.act_{number:02}" for number in reversed(range(3, dashboard.ACTS_SHOWN + 3))]
    assert AuditRecord.objects.count() == dashboard.ACTS_SHOWN + 3


def test_figures_end_where_counting_would_cost(staff: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dashboard, "MOST", 3)
    for number in range(3):
        make_user(f"Person {number}")
    assert ask(staff)[0]["New people"] == "more than 3"


def test_who_may_view_nothing_sees_and_asks_nothing(outsider: Person) -> None:
    outsider.user.is_staff = True
    outsider.user.save()
    assert ask(outsider)[:2] == ({}, [])
    outsider.user.user_permissions.add(
        Permission.objects.get(content_type__app_label="accounts", codename="view_session")
    )
    figures, acts, _ = ask(outsider)
    assert (set(figures), acts) == ({"Sign-ins"}, [])

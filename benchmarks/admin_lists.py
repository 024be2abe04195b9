"""The admin's pages at 100,000 people and a million acts on the trail: each list, search and filter, as a browser asks.

Through Django's test client, so that sessions, permissions, queries and the page's rendering all count."""

import statistics
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from benchmarks.admin_rows import Size, fill
from benchmarks.scratch import scratch

GOAL_MS = 300
SIZE, SMALL = Size(users=100_000, acts=1_000_000), Size(users=2_000, acts=10_000)
_DEEP = "4"

type Asked = tuple[str, Mapping[str, str]]


@dataclass(frozen=True, slots=True)
class Timed:
    """One address, in milliseconds over its rounds."""

    address: str
    median_ms: float
    worst_ms: float


def measure(*, rounds: int, size: Size) -> dict[str, list[Timed]]:
    """By page. Empty on SQLite: the rows are made by PostgreSQL's own functions."""
    with scratch() as database:
        from django.db import connection
        from django.test import Client

        if connection.vendor != "postgresql":
            return {}
        from stoa.apps.accounts.models import User
        from stoa.apps.accounts.tests.factories import Person
        from stoa.apps.organizations.tests.factories import make_invite, make_organization

        staff = User.objects.get(pk=database.user_id)
        person = Person(staff, "", "")
        org_id = make_organization(person)
        make_invite(org_id, person, "first.guest@example.org")
        fill(size, user_id=str(staff.pk), org_id=str(org_id))
        User.objects.filter(pk=staff.pk).update(is_staff=True, is_superuser=True)
        client = Client()
        client.force_login(staff)
        client.get("/admin/flags/featureflag/")  # what a process does once: imports, templates of every list
        return {
            page: [_timed(client, f"/admin/{address}", query, rounds) for address, query in asked]
            for page, asked in _asked(size).items()
        }


def _timed(client: Any, address: str, query: Mapping[str, str], rounds: int) -> Timed:
    taken = []
    for _ in range(rounds):
        started = time.perf_counter()
        answer = client.get(address, query)
        taken.append((time.perf_counter() - started) * 1000)
        if answer.status_code != 200:
            raise RuntimeError(f"{address} {query}: {answer.status_code}")
    words = "&".join(f"{name}={value}" for name, value in query.items())
    return Timed(f"{address}?{words}" if words else address, statistics.median(taken), max(taken))


def _asked(size: Size) -> dict[str, list[Asked]]:
    from stoa.apps.accounts.models import User
    from stoa.apps.organizations.models import Organization
    from stoa.kit.clock import utc_now
    from stoa.platform.audit.models import AuditRecord

    person = User.objects.filter(email__startswith="person.").order_by("created_at")[size.users // 2]
    house = Organization.objects.order_by("created_at")[size.users // 10]
    act = AuditRecord.objects.order_by("id")[size.acts // 2]
    now, half_a_year = utc_now(), timedelta(days=182)
    day = (now - half_a_year).date().isoformat()
    a_day, before_all = {"at_from": day, "at_to": day}, {"at_from": "2001-01-01", "at_to": "2001-12-31"}
    return {
        "first page": [("", {})],
        "users": _with_searches(
            "accounts/user/",
            [
                "a",
                "ada",
                person.name[:12],
                person.handle[:4],
                person.handle,
                person.email,
                str(person.pk),
                "nobody at all",
            ],
            *(
                {"is_active__exact": "0"},
                {"is_staff__exact": "1"},
                {"locked": "yes"},
                {"q": "a", "is_active__exact": "0"},
            ),
        ),
        "sessions": _with_searches(
            "accounts/session/",
            [person.email, person.handle, str(person.pk), "nobody"],
            {"user__id__exact": str(person.pk)},
        ),
        "organizations": _with_searches(
            "organizations/organization/",
            ["House", house.name[:9], str(house.pk), "Nowhere"],
            *({"status__exact": "suspended"}, {"status__exact": "deleted"}, {"status__exact": "active"}),
        ),
        "members, roles, invites": [
            *_with_searches(
                "organizations/membership/",
                [str(house.pk), person.email, "nobody@example.org"],
                *({"state__exact": "deactivated"}, {"state__exact": "ended"}),
            ),
            *_with_searches("organizations/role/", ["VIEWER", str(house.pk)]),
            *_with_searches(
                "organizations/invite/",
                [str(house.pk), "guest.400@example.org", "nobody@example.org"],
                *({"state__exact": "open"}, {"state__exact": "declined"}),
            ),
        ],
        "audit": _with_searches(
            "audit/auditrecord/",
            ["accounts.signed_in", "accounts.rare", act.actor_id, act.object_id, act.request_id, "nothing"],
            *({"severity__exact": word} for word in ("info", "notice", "warning", "critical")),
            *({"action": word} for word in ("accounts.signed_in", "accounts.exported", "accounts.rare")),
            *(a_day, before_all, a_day | {"severity__exact": "warning"}, a_day | {"action": "accounts.rare"}),
            {"severity__exact": "critical", "action": "accounts.signed_in"},
            {"q": act.actor_id, "severity__exact": "notice"},
        ),
        "outbox": [
            *_with_searches("outbox/outboxevent/", [act.request_id, "nothing"]),
            *_with_searches(
                "outbox/outboxdelivery/",
                [act.request_id, "nothing"],
                *({"state__exact": word} for word in ("pending", "parked", "done")),
            ),
        ],
        "trace, flags, sweeps": [
            *[("trace/", {"id": act.request_id}), ("flags/featureflag/", {}), ("sweeps/sweep/", {})],
            *[("django_celery_results/taskresult/", {}), ("django_celery_beat/periodictask/", {})],
        ],
    }


def _with_searches(address: str, terms: list[str], *filters: Mapping[str, str]) -> list[Asked]:
    """The list, a page far back where there is one, each search and each filter."""
    deep: list[Asked] = [] if "role" in address else [(address, {"p": _DEEP})]
    return [(address, {}), *deep, *((address, {"q": term}) for term in terms), *((address, each) for each in filters)]


if __name__ == "__main__":
    import os
    import sys

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "stoa.project.settings.testing")
    os.environ.setdefault("DATABASE_URL", "postgresql://postgres@127.0.0.1:5432/postgres")
    for name, pages in measure(rounds=5, size=SMALL if "--smoke" in sys.argv else SIZE).items():
        for each in pages:
            print(f"{name:25} {each.median_ms:8.1f} {each.worst_ms:8.1f}  {each.address}")

"""What it costs to know who asks and what they may: `python -m benchmarks.identity_figures`.

The authenticator as a route of an organization calls it (token, one query, effective permissions), beside the same SQL
through a bare cursor. The queries of a page of members are counted by the database's own wrapper, in a real request."""

from benchmarks.each_database import on_each_database, run
from benchmarks.figures import Figure
from benchmarks.scratch import scratch
from benchmarks.timing import ROUNDS, microseconds

MEMBERS = 20


def measure(*, smoke: bool) -> list[Figure]:
    figures = []
    for vendor, found in on_each_database("benchmarks.identity_figures", smoke=smoke).items():
        beside = f"the same SQL through a cursor {found['sql_us']:.0f}; best of {ROUNDS} rounds"
        asked, page = found["queries"], found["page_queries"]
        figures += [
            Figure(f"who asks, and what they may there, {vendor}", found["resolve_us"], "us", beside),
            Figure(f"queries of that, {vendor}", asked, "", "counted in the same run", "1", asked == 1),
            Figure(
                f"queries of a page of {MEMBERS} members over HTTP, {vendor}",
                page,
                "",
                "with the authorisation",
                "<= 2",
                page <= 2,
            ),
        ]
    return figures


def _one(smoke: bool) -> dict[str, float]:
    calls = 50 if smoke else 1_000
    with scratch():
        from django.db import connection
        from django.test.utils import CaptureQueriesContext

        from stoa.apps.accounts.tests.factories import make_person
        from stoa.apps.organizations.queries import caller_of_request
        from stoa.apps.organizations.tests.factories import make_member, make_organization
        from stoa.platform.http.contracts import OrgAsked
        from stoa.platform.testing.client import ApiClient
        from stoa.project.wsgi import application

        owner = make_person("Owner")
        org_id = make_organization(owner)
        for _ in range(MEMBERS - 1):
            make_member(org_id)
        asked = OrgAsked(named=str(org_id), permission="members:read", writes=False)

        def resolve() -> object:
            return caller_of_request(owner.access, asked)

        with CaptureQueriesContext(connection) as seen:
            resolve()
        statement, queries = seen.captured_queries[0]["sql"], len(seen)
        with ApiClient(application) as api:
            path = f"/api/v1/organizations/{org_id}/members"
            with CaptureQueriesContext(connection) as page:
                answer = api.bearer(owner.access).read(path)
            if (answer.status, len(answer.data)) != (200, MEMBERS):
                raise RuntimeError(f"{answer.status}, {len(answer.data)} members")

        def bare() -> object:
            with connection.cursor() as cursor:
                cursor.execute(statement)
                return cursor.fetchall()

        times = {"resolve_us": microseconds(resolve, calls), "sql_us": microseconds(bare, calls)}
    return {"queries": queries, "page_queries": len(page), **times}


if __name__ == "__main__":
    run(measure, one=_one)

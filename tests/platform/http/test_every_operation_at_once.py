"""409 for a key whose first request is still running, for every route that takes keys. PostgreSQL: SQLite waits."""

from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from django.db import connections

from stoa.apps.accounts.tests.factories import Person
from stoa.platform.testing.client import ApiClient, envelope
from stoa.platform.testing.pausing import held_at
from tests.platform.http.operations import Operation, body_of, call, operations, path_values_of, somebody_who_may

TAKES_KEYS = operations(lambda endpoint: endpoint.idempotency != "ignored")


@pytest.mark.race
@pytest.mark.parametrize("operation", TAKES_KEYS, ids=str)
def test_409_while_the_first_is_running(api: ApiClient, committed_db: None, operation: Operation) -> None:
    def keyed(person: Person) -> httpx.Response:
        try:
            return call(api, operation, person, headers={"Idempotency-Key": "one"}, content=content, owned=owned)
        finally:
            connections.close_all()

    content = body_of(operation)
    with somebody_who_may(operation.endpoint) as person, ThreadPoolExecutor(1) as pool:
        owned = path_values_of(operation, person)
        with held_at("idempotency.locked") as hold:
            first = pool.submit(keyed, person)
            hold.wait_until_reached()
            second = call(api, operation, person, headers={"Idempotency-Key": "one"}, content=content, owned=owned)
            hold.release()
        assert (second.status_code, envelope(second).code) == (409, "IDEMPOTENCY_IN_PROGRESS")
        assert second.headers["Retry-After"] == "1"
        # Whatever the route itself says: nothing of the key, and nothing of the body's form.
        said = envelope(first.result(10)).code
        assert said not in {"IDEMPOTENCY_IN_PROGRESS", "IDEMPOTENCY_MISMATCH", "VALIDATION_ERROR"}

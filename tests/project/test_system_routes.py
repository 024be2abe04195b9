"""What the installation says of itself, over real HTTP, with its parts up and away."""

import pytest

from stoa.apps.accounts.tests.factories import Person
from stoa.platform.testing.client import ApiClient, envelope
from stoa.platform.testing.fixtures import Serve
from stoa.platform.testing.servers import free_port
from stoa.runtime.version import VERSION


def test_anybody_learns_version_and_environment(api: ApiClient) -> None:
    data = envelope(api.get("/api/v1/system/health")).data
    assert set(data) == {"status", "time", "version", "environment"}
    assert (data["status"], data["version"], data["environment"]) == ("healthy", VERSION, "test")


def test_how_the_parts_do_is_for_staff(api: ApiClient, member: Person) -> None:
    assert api.get("/api/v1/system/ready").status_code == 401
    assert api.get("/api/v1/system/ready", headers=member.bearer).status_code == 403


def staff_bearer() -> dict[str, str]:
    from stoa.apps.accounts.tests.factories import make_person

    return make_person("Staff", is_staff=True, is_superuser=True).bearer


@pytest.mark.parametrize("broker", ["redis://127.0.0.1:6379/0", "amqp://guest:guest@127.0.0.1:5672//"])
def test_staff_see_every_part(serve: Serve, broker: str) -> None:
    with serve(CELERY_BROKER_URL=broker).client() as client:
        answer = envelope(client.get("/api/v1/system/ready", headers=staff_bearer()))
    assert answer.status == 200, answer
    names = [component["name"] for component in answer.data["components"]]
    assert names[:2] == ["db", "migrations"]
    assert names[-1] == "broker"
    assert {component["status"] for component in answer.data["components"]} == {"ok"}


@pytest.mark.parametrize("scheme", ["redis", "amqp"])
def test_a_broker_that_is_away_is_named_and_nothing_else_of_it(serve: Serve, scheme: str) -> None:
    address = f"{scheme}://somebody:secret-word@127.0.0.1:{free_port()}/"
    with serve(CELERY_BROKER_URL=address).client() as client:
        response = client.get("/api/v1/system/ready", headers=staff_bearer())
    answer = envelope(response)
    assert (answer.status, answer.code) == (503, "NOT_READY")
    degraded = [part for part in (answer.error or {})["details"]["components"] if part["status"] == "degraded"]
    assert [part["name"] for part in degraded] == ["broker"]
    assert "secret-word" not in response.text
    assert "127.0.0.1" not in response.text

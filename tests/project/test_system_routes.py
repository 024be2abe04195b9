"""What the installation says of itself, over real HTTP, with its parts up and away."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from stoa.apps.accounts.tests.factories import Person
from stoa.kit.clock import utc_now
from stoa.kit.ids import new_uuid
from stoa.platform.outbox.models import OutboxDelivery, OutboxEvent
from stoa.platform.sweeps.heartbeats import Beating
from stoa.platform.sweeps.models import Heartbeat
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


@pytest.fixture
def worker(committed_db: None) -> Iterator[Beating]:
    """A process that beats, and an outbox that is empty: what other tests committed nobody expands here."""
    Heartbeat.objects.all().delete()
    OutboxDelivery.objects.all().delete()
    OutboxEvent.objects.all().delete()
    beating = Beating("worker")
    beating.beat()
    yield beating
    beating.end()


def degraded(client: ApiClient, staff: Person) -> dict[str, str]:
    answer = envelope(client.get("/api/v1/system/ready", headers=staff.bearer))
    if answer.status == 200:
        return {}
    parts = (answer.error or {})["details"]["components"]
    return {part["name"]: part["detail"] for part in parts if part["status"] == "degraded"}


@pytest.mark.usefixtures("worker")
@pytest.mark.parametrize("broker", ["redis://127.0.0.1:6379/0", "amqp://guest:guest@127.0.0.1:5672//"])
def test_staff_see_every_part(serve: Serve, broker: str) -> None:
    with serve(CELERY_BROKER_URL=broker).client() as client:
        answer = envelope(client.get("/api/v1/system/ready", headers=staff_bearer()))
    assert answer.status == 200, answer
    names = [component["name"] for component in answer.data["components"]]
    assert names[:2] == ["db", "migrations"]
    assert names[-3:] == ["broker", "workers", "outbox"]
    assert {component["status"] for component in answer.data["components"]} == {"ok"}


def beat(beat_at_s: float, *, slot: int = 0) -> None:
    now = utc_now()
    row = {"process": new_uuid(), "pid": 1, "started_at": now, "beat_at": now - timedelta(seconds=beat_at_s)}
    Heartbeat.objects.create(role="worker", slot=slot, **row)


def test_workers_are_told_by_their_heartbeats(api: ApiClient, staff: Person) -> None:
    Heartbeat.objects.all().delete()
    assert degraded(api, staff) == {"workers": "NoWorker"}
    beat(16)
    assert degraded(api, staff) == {"workers": "WorkerSilent"}
    beat(10, slot=1)
    assert degraded(api, staff) == {}


def test_an_outbox_that_nobody_empties_is_told_after_a_minute(api: ApiClient, staff: Person) -> None:
    Heartbeat.objects.all().delete()
    beat(0)
    event = OutboxEvent.objects.create(
        uid=new_uuid(), name="probe.late", version=1, payload="{}", occurred_at=utc_now() - timedelta(seconds=50)
    )
    assert degraded(api, staff) == {}
    OutboxEvent.objects.filter(pk=event.pk).update(occurred_at=utc_now() - timedelta(seconds=61))
    assert degraded(api, staff) == {"outbox": "OutboxLate"}


@pytest.mark.usefixtures("worker")
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

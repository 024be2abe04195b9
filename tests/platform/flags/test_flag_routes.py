"""The caller's flags, and routes of a feature that is off."""

from typing import Any

import pytest
from django.urls import include, path

from stoa.apps.accounts.tests.factories import Person, make_person
from stoa.kit.contract import Contract
from stoa.platform.flags.services import Rollout, set_flag
from stoa.platform.http.access import PUBLIC, SIGNED_IN
from stoa.platform.http.endpoints import Routes
from stoa.platform.http.openapi import documented_statuses
from stoa.platform.http.views import Call, urlpatterns_of
from stoa.platform.testing.client import ApiClient, envelope
from stoa.project.urls import urlpatterns as served

routes = Routes("flagged", default_limits=False)


class Bought(Contract):
    what: str


@routes.get("flagged/private", access=SIGNED_IN, answer=Bought, flag="payments")
def private(call: Call[None, None]) -> Bought:
    return Bought(what="a seat")


@routes.get("flagged/public", access=PUBLIC, answer=Bought, flag="payments")
def public(call: Call[None, None]) -> Bought:
    return Bought(what="a leaflet")


@routes.post("flagged/webhook", access=PUBLIC, answer=Bought, idempotency="ignored")
def webhook(call: Call[None, None]) -> Bought:
    return Bought(what="said by the bank")


@pytest.fixture
def person(rows: None) -> Person:
    return make_person("Buyer")


@pytest.fixture(autouse=True)
def flagged_urls(settings: Any) -> None:
    settings.ROOT_URLCONF = (*served, path("api/v1/", include(urlpatterns_of(routes))))


def statuses(api: ApiClient, person: Person) -> list[int]:
    """Private as nobody, with a bad token and as the person; public; the webhook."""
    private = "/api/v1/flagged/private"
    strangers = [api.get(private), api.get(private, headers={"Authorization": "Bearer not.a.token"})]
    mine = api.bearer(person.access).get(private)
    answers = [*strangers, mine, api.get("/api/v1/flagged/public"), api.post("/api/v1/flagged/webhook")]
    return [answer.status_code for answer in answers]


def test_on_it_is_there(api: ApiClient, person: Person) -> None:
    assert statuses(api, person) == [401, 401, 200, 200, 200]


def test_off_it_is_not_there_for_anybody_and_the_webhook_goes_on(api: ApiClient, person: Person) -> None:
    set_flag(name="payments", rollout=Rollout(enabled=False))
    assert statuses(api, person) == [404, 404, 404, 404, 200]
    assert envelope(api.get("/api/v1/flagged/public")).code == "NOT_FOUND"


def test_rolled_out_to_some_the_others_do_not_find_it(api: ApiClient, person: Person) -> None:
    set_flag(name="payments", rollout=Rollout(enabled=True, users=[person.user.pk]))
    assert statuses(api, person) == [401, 401, 200, 404, 200]
    assert statuses(api, make_person("Other")) == [401, 401, 404, 404, 200]


def test_the_callers_flags(api: ApiClient, person: Person) -> None:
    set_flag(name="mentor_llm", rollout=Rollout(enabled=True, users=[person.user.pk]))
    set_flag(name="soulmatch", rollout=Rollout(enabled=False))
    assert api.bearer(person.access).read("/api/v1/config/flags").data == {
        "flags": {"mentor_llm": True, "payments": True, "soulmatch": False}
    }
    other = make_person("Other")
    assert api.bearer(other.access).read("/api/v1/config/flags").data["flags"]["mentor_llm"] is False
    assert api.get("/api/v1/config/flags").status_code == 401


def test_the_document_names_the_404() -> None:
    endpoint = routes.endpoints["flagged/public"]["GET"]
    assert documented_statuses("flagged/public", endpoint) == {404: ("NOT_FOUND",)}
    assert documented_statuses("flagged/webhook", routes.endpoints["flagged/webhook"]["POST"]) == {}

"""Relations that climb, cascade or leave a trace, and routes without access, planted in a copy that Django starts in."""

import pytest

from architecture.scratch import Ran, Scratch
from stoa.platform.http.endpoints import Routes

_MEDIA = """
from django.db import models

class Right(models.Model):
    person = models.ForeignKey("accounts.User", on_delete=models.PROTECT, related_name="+")
    parent = models.ForeignKey("self", on_delete=models.CASCADE)

class Traced(models.Model):
    person = models.ForeignKey("accounts.User", on_delete=models.PROTECT)

class Cascading(models.Model):
    person = models.OneToOneField("accounts.User", on_delete=models.CASCADE, related_name="+")

class Climbing(models.Model):
    post = models.ForeignKey("search.Document", on_delete=models.PROTECT, related_name="+")

class Hidden(models.Model):
    people = models.ManyToManyField("accounts.User", related_name="+")
"""
_SEARCH = """
from django.db import models

class Document(models.Model):
    chart = models.ForeignKey("astrology.Chart", on_delete=models.SET_NULL, null=True, related_name="+")
"""
_ASTROLOGY = """
from django.db import models

class Chart(models.Model):
    pass
"""
_PLATFORM = """
from django.db import models

class Planted(models.Model):
    person = models.ForeignKey("accounts.User", on_delete=models.PROTECT, related_name="+")

    class Meta:
        app_label = "accounts"
"""
_ROUTES = """
from stoa.platform.http.access import PUBLIC, Access, staff
from stoa.platform.http.endpoints import Routes

_planted = Routes("planted")

def planted(request):
    return None

for _name, _access in {
    "fine-public": PUBLIC,
    "fine-staff": staff("users", "read"),
    "nothing": None,
    "no-kind": Access(""),
    "half-staff": Access("staff", "users"),
    "too-much": Access("signed_in", "users", "read"),
}.items():
    _planted.get(f"planted/{_name}", access=_access, answer=None)(planted)

urlpatterns += [
    path("api/v1/", include([*urlpatterns_of(_planted), path("planted/plain", landing)])),
    path("internal/planted", landing),
]
"""


@pytest.fixture(scope="module")
def faulty(scratch: Scratch) -> Scratch:
    for name in ("media", "search", "astrology"):
        assert scratch.new_app(name).code == 0
    scratch.plant("stoa/apps/media/models.py", _MEDIA)
    scratch.plant("stoa/apps/search/models.py", _SEARCH)
    scratch.plant("stoa/apps/astrology/models.py", _ASTROLOGY)
    scratch.plant("stoa/platform/planted/models.py", _PLATFORM)
    scratch.plant("stoa/apps/accounts/models.py", "\nimport stoa.platform.planted.models\n")
    scratch.plant("stoa/project/urls.py", _ROUTES)
    return scratch


@pytest.fixture(scope="module")
def relations(faulty: Scratch) -> Ran:
    return faulty.run("-m", "architecture.foreign_keys")


@pytest.fixture(scope="module")
def routes(faulty: Scratch) -> Ran:
    return faulty.run("-m", "architecture.routes")


@pytest.mark.parametrize(
    "report",
    [
        'media.Traced.person -> accounts.User: has no related_name="+"',
        "media.Cascading.person -> accounts.User: cascades",
        "media.Climbing.post -> search.Document: points up",
        "search.Document.chart -> astrology.Chart: points sideways",
        "media.Hidden.people -> accounts.User: its hidden table cascades; write the through model",
        "platform.Planted.person -> accounts.User: points up",
    ],
)
def test_the_relation_is_reported(report: str, relations: Ran) -> None:
    assert relations.code == 1
    assert relations.text.count(report) == 1, relations.text


def test_no_other_relation_is_reported(relations: Ran) -> None:
    assert relations.text.count(" -> ") == 6, relations.text


@pytest.mark.parametrize(
    "report",
    [
        "GET api/v1/planted/nothing: declares no access",
        "GET api/v1/planted/no-kind: declares no access",
        "GET api/v1/planted/half-staff: staff:users must name a resource and an action exactly if it is staff or org",
        "GET api/v1/planted/too-much: signed_in:users:read must name a resource and an action exactly if it is",
        "api/v1/planted/plain: declares no access (not made by platform.http.endpoints.Routes)",
        "internal/planted: declares no access (not made by platform.http.endpoints.Routes)",
    ],
)
def test_the_route_is_reported(report: str, routes: Ran) -> None:
    assert routes.code == 1
    assert routes.text.count(report) == 1, routes.text


def test_no_other_route_is_reported(routes: Ran) -> None:
    assert routes.text.count("planted/") == 5, routes.text
    assert "fine" not in routes.text


def test_a_route_cannot_be_declared_without_access() -> None:
    with pytest.raises(TypeError, match="access"):
        Routes("planted").get("planted", answer=None)(lambda request: None)

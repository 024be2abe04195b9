"""Flags in the admin are written by the flags' own service: the revision moves, and the trail says who."""

import pytest
from django.contrib.auth.models import Permission
from django.test import Client

from stoa.apps.accounts.tests.factories import Person
from stoa.platform.audit.models import AuditRecord
from stoa.platform.flags.baseline import MENTOR_LLM
from stoa.platform.flags.models import FeatureFlag
from stoa.platform.flags.services import Rollout, set_flag

PAGE = "/admin/flags/featureflag/"
FORM = {"enabled": "true", "percent": "25", "owner": "money", "users": "", "orgs": "", "groups": ""}


@pytest.fixture
def browser(staff: Person) -> Client:
    client = Client()
    client.force_login(staff.user)
    return client


def test_a_declared_flag_gets_its_row_here(browser: Client, staff: Person) -> None:
    assert MENTOR_LLM.name in browser.get(f"{PAGE}add/").content.decode()
    assert browser.post(f"{PAGE}add/", FORM | {"name": MENTOR_LLM.name}).status_code == 302
    row = FeatureFlag.objects.get(name=MENTOR_LLM.name)
    assert (row.enabled, row.percent, row.owner, row.description) == (True, 25, "money", MENTOR_LLM.description)
    assert row.revision > 0
    told = AuditRecord.objects.get(action="flags.changed")
    assert (told.actor_id, told.object_id) == (str(staff.user.pk), MENTOR_LLM.name)
    assert browser.post(f"{PAGE}add/", FORM | {"name": "nobody_declares"}).status_code == 200
    assert FeatureFlag.objects.count() == 1


def test_an_edit_is_the_whole_rule(browser: Client, member: Person, org_id: object) -> None:
    before = set_flag(name=MENTOR_LLM.name, rollout=Rollout(enabled=True, percent=1))
    page = f"{PAGE}{MENTOR_LLM.name}/change/"
    lists = {"users": f"{member.user.pk}\n\n", "orgs": str(org_id), "groups": "support\nmoderation_team"}
    assert browser.post(page, FORM | lists | {"enabled": "unknown"}).status_code == 302
    row = FeatureFlag.objects.get(name=MENTOR_LLM.name)
    assert (row.enabled, row.users, row.orgs) == (None, [str(member.user.pk)], [str(org_id)])
    assert row.groups == ["moderation_team", "support"]
    assert row.revision > before.revision
    shown = browser.get(page).content.decode()
    assert f"{member.user.pk}</textarea>" in shown.replace("\n", "")


@pytest.mark.parametrize("wrong", [{"percent": "101"}, {"percent": "-1"}, {"users": "ann"}, {"orgs": "{}"}])
def test_what_is_no_rule_is_refused_on_the_page(browser: Client, wrong: dict[str, str]) -> None:
    before = set_flag(name=MENTOR_LLM.name, rollout=Rollout(enabled=True, percent=1))
    assert browser.post(f"{PAGE}{MENTOR_LLM.name}/change/", FORM | wrong).status_code == 200
    after = FeatureFlag.objects.get(name=MENTOR_LLM.name)
    assert (after.percent, after.revision) == (1, before.revision)
    assert AuditRecord.objects.filter(action="flags.changed").count() == 1


def test_removing_is_told_too(browser: Client, staff: Person) -> None:
    set_flag(name=MENTOR_LLM.name, rollout=Rollout(enabled=True))
    assert browser.post(f"{PAGE}{MENTOR_LLM.name}/delete/", {"post": "yes"}).status_code == 302
    assert not FeatureFlag.objects.exists()
    assert AuditRecord.objects.get(action="flags.removed").actor_id == str(staff.user.pk)


def test_one_who_may_view_edits_nothing(outsider: Person) -> None:
    outsider.user.is_staff = True
    outsider.user.save()
    outsider.user.user_permissions.add(Permission.objects.get(codename="view_featureflag"))
    before = set_flag(name=MENTOR_LLM.name, rollout=Rollout(enabled=True, percent=1))
    client = Client()
    client.force_login(outsider.user)
    page = f"{PAGE}{MENTOR_LLM.name}/"
    assert client.get(f"{page}change/").status_code == 200
    assert client.post(f"{page}change/", FORM).status_code == 403
    assert client.post(f"{page}delete/", {"post": "yes"}).status_code == 403
    assert client.get(f"{PAGE}add/").status_code == 403
    assert FeatureFlag.objects.get().revision == before.revision

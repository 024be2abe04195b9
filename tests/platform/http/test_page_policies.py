"""What a page may load: the admin's scripts may make functions of words, and nothing else there or elsewhere may."""

import re

import pytest
from django.test import Client

from stoa.apps.accounts.tests.factories import Person
from stoa.platform.testing.client import ApiClient


def _rules(policy: str) -> dict[str, str]:
    return dict(rule.strip().partition(" ")[::2] for rule in policy.split(";"))


@pytest.mark.parametrize("page", ["/", "/api/docs/", "/administration", "/api/v1/admin/"])
def test_other_pages_stay_strict(api: ApiClient, page: str) -> None:
    policy = api.get(page).headers["Content-Security-Policy"]
    assert "eval" not in policy
    assert "script-src" not in _rules(policy)


def test_the_admin_evaluates_and_runs_nothing_that_stands_in_a_page(api: ApiClient, db: None) -> None:
    rules = _rules(api.get("/admin/login/").headers["Content-Security-Policy"])
    assert rules["script-src"] == "'self' 'unsafe-eval'"
    assert (rules["default-src"], rules["object-src"], rules["frame-ancestors"]) == ("'self'", "'none'", "'none'")


@pytest.mark.parametrize("page", ["", "accounts/user/", "accounts/user/add/", "audit/auditrecord/", "auth/group/add/"])
def test_no_script_stands_in_a_page_of_the_admin(client: Client, staff: Person, page: str) -> None:
    client.force_login(staff.user)
    body = client.get(f"/admin/{page}").content.decode()
    scripts = re.findall(r"<script(?![^>]*\bsrc=)(?![^>]*application/json)[^>]*>", body)
    assert scripts == []
    assert re.findall(r'\s(?:src|href)="(?:https?:)?//[^"]*', body) == []
    assert re.findall(r"\son[a-z]+=\"", body) == []

"""Swagger UI needs nothing but this server, and the policy that this server sends lets it run."""

import re
from html.parser import HTMLParser
from urllib.parse import urljoin, urlsplit

import pytest

from stoa.platform.testing.client import ApiClient

PAGE = "http://testserver/api/docs/"


class References(HTMLParser):
    """What a page makes the browser fetch, and the scripts that stand in the page itself."""

    def __init__(self) -> None:
        super().__init__()
        self.fetched: list[str] = []
        self.scripts: list[str] = []
        self._inline = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.fetched += [given[name] or "" for name in ("src", "href") if name in given]
        self._inline = tag == "script" and "src" not in given

    def handle_endtag(self, tag: str) -> None:
        self._inline = False

    def handle_data(self, data: str) -> None:
        if self._inline and data.strip():
            self.scripts.append(data)


@pytest.fixture
def page(api: ApiClient) -> References:
    answer = api.get("/api/docs/")
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    references = References()
    references.feed(answer.text)
    return references


def test_everything_it_names_is_served_from_here(api: ApiClient, page: References) -> None:
    kinds = set()
    for reference in page.fetched:
        assert urlsplit(urljoin(PAGE, reference)).netloc == "testserver", reference
        answer = api.get(urljoin(PAGE, reference))
        assert answer.status_code == 200, reference
        assert answer.content, reference
        kinds.add(answer.headers["Content-Type"].partition(";")[0])
    # The page's own script is said to be application/javascript, which nosniff lets run too.
    assert kinds == {"text/css", "text/javascript", "application/javascript", "image/png"}


def test_its_scripts_and_styles_fetch_nothing_from_elsewhere(api: ApiClient, page: References) -> None:
    """The page's own script and stylesheets; the bundle names www.w3.org as XML namespaces, which nobody fetches."""
    for reference in page.fetched:
        answer = api.get(urljoin(PAGE, reference))
        kind = answer.headers["Content-Type"]
        if kind.startswith("text/css"):
            assert re.findall(r"url\(\s*['\"]?(?:https?:)?//[^)]*|@import[^;]*", answer.text) == []
        elif "?" in reference:
            assert re.findall(r"(?:https?:)?//[a-z][^\s'\"]*", answer.text) == []
            assert '"/api/schema/"' in answer.text


def test_the_policy_lets_it_run(api: ApiClient, page: References) -> None:
    policy = api.get("/api/docs/").headers["Content-Security-Policy"]
    rules = dict(rule.strip().partition(" ")[::2] for rule in policy.split(";"))
    assert rules["default-src"] == "'self'"
    assert "script-src" not in rules
    assert page.scripts == []  # default-src 'self' lets no script run that stands in the page
    assert rules["img-src"] == "'self' data:"  # the bundle's icons are data: URLs
    assert rules["style-src"] == "'self' 'unsafe-inline'"


def test_the_schema_it_asks_for_is_there(api: ApiClient) -> None:
    answer = api.get("/api/schema/")
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "application/vnd.oai.openapi; charset=utf-8")

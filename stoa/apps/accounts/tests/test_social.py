"""Social sign-in against an OpenID server over real HTTP: who gets in, who is refused, and what a provider may get wrong."""

import json
import time
from collections.abc import Iterator
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from allauth.account.models import EmailAddress
from allauth.socialaccount.models import SocialAccount, SocialToken
from pydantic import SecretStr

from stoa.apps.accounts.domain import SocialIdentity
from stoa.apps.accounts.models import Session, SocialCode, TotpDevice, User
from stoa.apps.accounts.providers.social_session import AddressRefused, check_address
from stoa.apps.accounts.providers.social_session import Session as ProviderSession
from stoa.apps.accounts.services.social import arrive, forget_old_codes
from stoa.apps.accounts.tests.factories import make_user
from stoa.apps.accounts.tests.openid_server import CLIENT_ID, CLIENT_SECRET, OpenIdServer, openid_server
from stoa.kit.clock import utc_now
from stoa.platform.audit.models import AuditRecord
from stoa.platform.db.transactions import OutsideCallInTransaction, transaction
from stoa.platform.testing.client import ApiClient, Envelope
from stoa.runtime.config import current

API = "/api/v1/auth/social"
APP = "https://app.example.org/signed-in"
ANN = {"sub": "ann-1", "email": "Ann@Example.org", "email_verified": True, "name": "Ann  Lee"}


@pytest.fixture
def server(db: None) -> Iterator[OpenIdServer]:
    chosen = current.loaded()
    with openid_server() as running:
        changed = {
            "social_openid_client_id": CLIENT_ID,
            "social_openid_client_secret": SecretStr(CLIENT_SECRET),
            "social_openid_server_url": running.url,
            "social_deadline_s": 1.5,
            "social_github_client_id": "github-client",
            "social_github_client_secret": SecretStr("github-secret"),
            "social_facebook_client_id": "facebook-client",
            "social_facebook_client_secret": SecretStr("facebook-secret"),
        }
        current.use(type(chosen)(chosen.settings.model_copy(update=changed), chosen.origins))
        running.person = dict(ANN)
        try:
            yield running
        finally:
            current.use(chosen)


def query_of(url: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}


def at_provider(api: ApiClient, redirect: str = APP) -> str:
    """Begin, agree at the provider; the address the browser is sent back to."""
    began = api.get(f"{API}/openid/start", params={"redirect": redirect})
    assert began.status_code == 302
    return httpx.get(began.headers["Location"]).headers["Location"]


def back(api: ApiClient, redirect: str = APP) -> dict[str, str]:
    """What the app is told after a whole journey."""
    return told(api.get(at_provider(api, redirect)))


def told(answer: httpx.Response) -> dict[str, str]:
    assert (answer.status_code, answer.content) == (302, b"")
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    return query_of(answer.headers["Location"])


def exchange(api: ApiClient, code: str) -> Envelope:
    return api.send_json("POST", f"{API}/exchange", {"code": code})


def counts() -> tuple[int, ...]:
    return tuple(model.objects.count() for model in (User, SocialAccount, SocialCode, Session))


def test_a_new_person_is_made_once_and_signed_in_each_time(api: ApiClient, server: OpenIdServer) -> None:
    first = exchange(api, back(api)["code"])
    again = exchange(api, back(api)["code"])
    assert (first.status, again.status) == (200, 200)
    assert first.data["user"] == again.data["user"]
    assert set(first.data) == {"user", "access", "refresh"}
    assert api.bearer(first.data["access"]).read("/api/v1/users/me").data["email"] == "ann@example.org"
    user = User.objects.get()
    assert (user.email, user.name, user.has_usable_password()) == ("ann@example.org", "Ann Lee", False)
    assert user.email_verified_at is not None
    assert counts() == (1, 1, 0, 2)
    acts = list(AuditRecord.objects.order_by("pk").values_list("action", flat=True))
    assert acts == ["accounts.registered", "accounts.signed_in", "accounts.signed_in"]


def test_nothing_that_the_provider_told_is_kept(api: ApiClient, server: OpenIdServer) -> None:
    exchange(api, back(api)["code"])
    link = SocialAccount.objects.get()
    assert (link.provider, link.uid, link.extra_data) == ("openid", "ann-1", {})
    assert (SocialToken.objects.count(), EmailAddress.objects.count()) == (0, 0)


def test_an_account_with_the_same_verified_email_is_linked(api: ApiClient, server: OpenIdServer) -> None:
    ann = make_user("Ann", email="ann@example.org", email_verified_at=utc_now())
    assert exchange(api, back(api)["code"]).data["user"]["id"] == str(ann.pk)
    # From now on the provider's id counts, whatever the e-mail there.
    server.person |= {"email": "new@example.org", "email_verified": False}
    assert exchange(api, back(api)["code"]).data["user"]["id"] == str(ann.pk)
    assert counts() == (1, 1, 0, 2)
    assert AuditRecord.objects.filter(action="accounts.social_linked", object_id=str(ann.pk)).count() == 1


@pytest.mark.parametrize("verified", [False, "false", "true", None, 1])
@pytest.mark.parametrize("known", [False, True])
def test_an_email_that_the_provider_does_not_vouch_for_changes_nothing(
    api: ApiClient, server: OpenIdServer, known: bool, verified: object
) -> None:
    if known:
        make_user("Ann", email="ann@example.org", email_verified_at=utc_now())
    server.person["email_verified"] = verified
    before = counts()
    assert back(api) == {"error": "SOCIAL_EMAIL_NOT_VERIFIED"}
    assert counts() == before
    failed = AuditRecord.objects.get(action="accounts.sign_in_failed")
    assert "ann@example.org" not in str(vars(failed))


def test_an_account_that_never_verified_its_email_is_not_taken_over(api: ApiClient, server: OpenIdServer) -> None:
    make_user("Ann", email="ann@example.org")
    before = counts()
    assert back(api) == {"error": "SOCIAL_EMAIL_NOT_VERIFIED"}
    assert counts() == before
    assert User.objects.get().email_verified_at is None


@pytest.mark.parametrize("linked", [False, True])
def test_a_disabled_account_stays_out(api: ApiClient, server: OpenIdServer, linked: bool) -> None:
    ann = make_user("Ann", email="ann@example.org", email_verified_at=utc_now())
    if linked:
        SocialAccount.objects.create(user=ann, provider="openid", uid="ann-1")
    User.objects.update(is_active=False)
    before = counts()
    assert back(api) == {"error": "SOCIAL_ACCOUNT_REFUSED"}
    assert counts() == before


def test_disabled_between_callback_and_exchange(api: ApiClient, server: OpenIdServer) -> None:
    code = back(api)["code"]
    User.objects.update(is_active=False)
    refused = exchange(api, code)
    assert (refused.status, refused.code) == (401, "SOCIAL_CODE_REFUSED")
    assert Session.objects.count() == 0


def test_an_authenticator_is_asked_all_the_same(api: ApiClient, server: OpenIdServer) -> None:
    ann = make_user("Ann", email="ann@example.org", email_verified_at=utc_now())
    TotpDevice.objects.create(user=ann, secret="JBSWY3DPEHPK3PXP", confirmed_at=utc_now())
    refused = exchange(api, back(api)["code"])
    assert (refused.status, refused.code) == (401, "MFA_REQUIRED")
    assert set((refused.error or {})["details"]) == {"mfa_token"}
    assert Session.objects.count() == 0


def test_a_code_works_once_for_a_minute_and_is_stored_hashed(api: ApiClient, server: OpenIdServer) -> None:
    code = back(api)["code"]
    row = SocialCode.objects.get()
    assert code not in str(vars(row))
    assert timedelta(seconds=58) < row.expires_at - utc_now() <= timedelta(seconds=60)
    assert exchange(api, code).status == 200
    assert exchange(api, code).code == exchange(api, "never-ours").code == "SOCIAL_CODE_REFUSED"
    late = back(api)["code"]
    SocialCode.objects.update(expires_at=utc_now())
    assert exchange(api, late).code == "SOCIAL_CODE_REFUSED"
    assert Session.objects.count() == 1
    assert (forget_old_codes(limit=10), SocialCode.objects.count()) == (1, 0)


@pytest.mark.parametrize(
    "fault",
    [
        *("wrong_nonce", "no_nonce", "other_audience", "other_issuer", "other_document", "other_key", "unsigned"),
        *("hmac", "expired", "no_id_token", "other_userinfo", "token_500", "userinfo_500", "keys_500", "inside"),
        *("not_json", "no_type", "slow", "discovery_500"),
    ],
)
def test_a_provider_that_errs_changes_nothing(api: ApiClient, server: OpenIdServer, fault: str) -> None:
    address = at_provider(api)
    server.fault = fault
    before, began = counts(), time.monotonic()
    assert told(api.get(address)) == {"error": "SOCIAL_PROVIDER_FAILED"}
    assert time.monotonic() - began < 2.5
    assert counts() == before == (0, 0, 0, 0)


@pytest.mark.parametrize("fault", ["discovery_500", "not_json"])
def test_a_provider_that_cannot_be_asked_at_the_start(api: ApiClient, server: OpenIdServer, fault: str) -> None:
    server.fault = fault
    refused = api.read(f"{API}/openid/start")
    assert (refused.status, refused.code) == (502, "SOCIAL_PROVIDER_FAILED")


def test_a_state_is_good_once_for_the_browser_that_began(api: ApiClient, server: OpenIdServer) -> None:
    address = at_provider(api)
    stranger = api.at("127.0.0.2")
    assert told(stranger.get(address)) == {"error": "SOCIAL_STATE_REFUSED"}
    assert told(api.get(address.replace("state=", "state=x"))) == {"error": "SOCIAL_STATE_REFUSED"}
    assert "code" in told(api.get(address))
    assert told(api.get(address)) == {"error": "SOCIAL_STATE_REFUSED"}
    assert counts() == (1, 1, 1, 0)


def test_a_forged_cookie_is_no_cookie(api: ApiClient, server: OpenIdServer) -> None:
    address = at_provider(api)
    cookie = api.cookies["stoa_social"]
    api.cookies.clear()
    api.cookies.set("stoa_social", cookie[:-2] + "xx", domain="testserver.local", path=f"{API}/")
    answer = api.get(address, headers={"Cookie": f"stoa_social={cookie[:-2]}xx"})
    assert told(answer) == {"error": "SOCIAL_STATE_REFUSED"}


def test_somebody_who_says_no_at_the_provider(api: ApiClient, server: OpenIdServer) -> None:
    state = query_of(at_provider(api))["state"]
    answer = api.get(f"{API}/openid/callback", params={"state": state, "error": "access_denied"})
    assert told(answer) == {"error": "SOCIAL_CANCELLED"}
    assert "/token" not in server.asked


@pytest.mark.parametrize("asked", [{}, {"error": "server_error"}])
def test_a_callback_without_a_code(api: ApiClient, server: OpenIdServer, asked: dict[str, str]) -> None:
    state = query_of(at_provider(api))["state"]
    answer = api.get(f"{API}/openid/callback", params={"state": state, **asked})
    assert told(answer) == {"error": "SOCIAL_PROVIDER_FAILED"}


@pytest.mark.parametrize(
    "redirect",
    [
        *("https://evil.example.org/signed-in", "https://app.example.org/other", "https://app.example.org.evil.org"),
        *(
            "javascript:alert(1)",
            "//evil.example.org",
            "http://localhost:3000@evil.org/",
            "http://localhost:3000\\@evil",
        ),
        *("http://localhost:30001/", "https://[", "http://localhost:3000/#x", "http://localhost:3000/\n"),
    ],
)
def test_the_browser_ends_only_where_it_may(api: ApiClient, server: OpenIdServer, redirect: str) -> None:
    refused = api.read(f"{API}/google/start", redirect=redirect)
    assert (refused.status, set(refused.fields)) == (422, {"redirect"})


def test_an_origin_allows_its_paths_and_parameters_are_kept(api: ApiClient, server: OpenIdServer) -> None:
    wanted = "http://localhost:3000/after?next=%2Fhome&code=old"
    answer = api.get(at_provider(api, wanted))
    url = answer.headers["Location"]
    assert url.startswith("http://localhost:3000/after?next=%2Fhome&code=")
    assert exchange(api, query_of(url)["code"]).status == 200


@pytest.mark.parametrize(
    ("provider", "address"),
    [
        ("google", "https://accounts.google.com/o/oauth2/v2/auth"),
        ("github", "https://github.com/login/oauth/authorize"),
        ("facebook", "https://www.facebook.com/"),
    ],
)
def test_where_each_provider_is_begun(api: ApiClient, server: OpenIdServer, provider: str, address: str) -> None:
    answer = api.get(f"{API}/{provider}/start")
    assert answer.headers["Location"].startswith(address)
    query = query_of(answer.headers["Location"])
    assert query["client_id"] == f"{provider}-client"
    assert query["redirect_uri"] == f"http://testserver{API}/{provider}/callback"
    assert query["response_type"] == "code"
    assert "email" in query["scope"]
    assert len(query["state"]) >= 16
    assert (query.get("code_challenge_method") == "S256") == (provider != "facebook")
    assert ("nonce" in query) == (provider == "google")
    cookie = answer.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert f"Path={API}/;" in cookie
    assert server.asked == []


@pytest.mark.parametrize("provider", ["github", "facebook", "openid", "twitter"])
@pytest.mark.parametrize("step", ["start", "callback"])
def test_a_provider_that_is_off_is_not_there(api: ApiClient, db: None, provider: str, step: str) -> None:
    refused = api.read(f"{API}/{provider}/{step}")
    assert (refused.status, refused.code) == (404, "NOT_FOUND")


def test_many_begun_sign_ins_fit_into_the_cookie(api: ApiClient, server: OpenIdServer) -> None:
    first, *later = [at_provider(api) for _ in range(12)]
    assert len(api.cookies["stoa_social"]) < 3000
    assert told(api.get(first)) == {"error": "SOCIAL_STATE_REFUSED"}
    assert "code" in told(api.get(later[-1]))


def test_no_request_to_a_provider_inside_a_transaction(server: OpenIdServer) -> None:
    with transaction(), pytest.raises(OutsideCallInTransaction):
        ProviderSession().get(f"{server.url}/keys")
    assert server.asked == []


@pytest.mark.parametrize(
    "url",
    [
        *(
            "https://127.0.0.1/keys",
            "https://[::1]/",
            "https://169.254.169.254/",
            "https://10.0.0.1/",
            "https://0.0.0.0/",
        ),
        *(
            "http://93.184.216.34/",
            "ftp://93.184.216.34/",
            "https:///x",
            "https://a@93.184.216.34/",
            "https://a.invalid/",
        ),
    ],
)
def test_a_provider_cannot_send_us_into_our_own_network(server: OpenIdServer, url: str) -> None:
    with pytest.raises(AddressRefused):
        check_address(url)
    check_address("https://93.184.216.34/")
    check_address(f"{server.url}/anything")


def test_neither_code_nor_state_nor_email_is_in_the_logs(
    api: ApiClient, server: OpenIdServer, caplog: pytest.LogCaptureFixture
) -> None:
    address = at_provider(api)
    answer = told(api.get(address))
    signed_in = exchange(api, answer["code"])
    server.fault = "wrong_nonce"
    back(api)
    written = "\n".join(json.dumps({**vars(line), "msg": line.getMessage()}, default=str) for line in caplog.records)
    assert "social sign-in failed" in written
    secrets = [answer["code"], *query_of(address).values(), signed_in.data["refresh"], "ann@example.org", CLIENT_SECRET]
    assert [secret for secret in secrets if secret in written and secret != server.url] == []


def test_a_name_that_is_missing_or_long(db: None) -> None:
    for number, name in enumerate(["", "n" * 120]):
        arrive(identity=SocialIdentity("openid", f"u{number}", f"u{number}@example.org", True, name))
    assert set(User.objects.values_list("name", flat=True)) == {"New member", "n" * 120}

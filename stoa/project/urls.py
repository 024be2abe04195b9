"""Every address Stoa answers, but for the probes, which the WSGI entry answers before Django."""

from django.contrib import admin
from django.templatetags.static import static
from django.urls import URLPattern, URLResolver, include, path
from django.views.generic import RedirectView
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

from stoa.apps.accounts.http.admin_password import admin_password
from stoa.apps.accounts.http.admin_sign_in import admin_sign_in
from stoa.apps.accounts.http.devices import routes as devices
from stoa.apps.accounts.http.emails import routes as emails
from stoa.apps.accounts.http.mfa import routes as mfa
from stoa.apps.accounts.http.one_time_codes import routes as one_time_codes
from stoa.apps.accounts.http.passwords import routes as passwords
from stoa.apps.accounts.http.people import routes as people
from stoa.apps.accounts.http.privacy import routes as privacy
from stoa.apps.accounts.http.profile import routes as profile
from stoa.apps.accounts.http.sign_in import routes as sign_in
from stoa.apps.accounts.http.social import routes as social
from stoa.apps.ledger.http.accounts import routes as ledger_accounts
from stoa.apps.ledger.http.book_pages import book_check, book_page
from stoa.apps.ledger.http.entries import routes as ledger_entries
from stoa.apps.ledger.http.holds import routes as ledger_holds
from stoa.apps.ledger.http.integrity import routes as ledger_integrity
from stoa.apps.ledger.http.periods import routes as ledger_periods
from stoa.apps.ledger.http.quarantine import routes as ledger_quarantine
from stoa.apps.ledger.http.rates import routes as ledger_rates
from stoa.apps.ledger.http.report_jobs import routes as ledger_report_jobs
from stoa.apps.ledger.http.reports import routes as ledger_reports
from stoa.apps.ledger.http.templates import routes as ledger_templates
from stoa.apps.notifications.http import routes as notifications
from stoa.apps.organizations.http.invites import routes as invites
from stoa.apps.organizations.http.members import routes as members
from stoa.apps.organizations.http.organizations import routes as organizations
from stoa.apps.wallet.http import routes as wallet
from stoa.platform.audit.http import routes as audit
from stoa.platform.flags.http import routes as flags
from stoa.platform.http.views import urlpatterns_of
from stoa.platform.observability.trace_page import trace_page
from stoa.platform.realtime.http import internal as internal_realtime
from stoa.platform.realtime.http import routes as realtime
from stoa.platform.storage.download import download
from stoa.platform.storage.links import PATH as FILES
from stoa.project.landing import landing
from stoa.project.system_http import routes as system

api: list[URLPattern | URLResolver] = [
    *urlpatterns_of(system),
    *urlpatterns_of(flags),
    *urlpatterns_of(audit),
    *urlpatterns_of(profile),
    *urlpatterns_of(privacy),
    *urlpatterns_of(devices),
    *urlpatterns_of(people),
    *urlpatterns_of(sign_in),
    *urlpatterns_of(emails),
    *urlpatterns_of(passwords),
    *urlpatterns_of(one_time_codes),
    *urlpatterns_of(social),
    *urlpatterns_of(organizations),
    *urlpatterns_of(members),
    *urlpatterns_of(invites),
    *urlpatterns_of(mfa),
    *urlpatterns_of(notifications),
    *urlpatterns_of(ledger_accounts),
    *urlpatterns_of(ledger_entries),
    *urlpatterns_of(ledger_holds),
    *urlpatterns_of(ledger_periods),
    *urlpatterns_of(ledger_integrity),
    *urlpatterns_of(ledger_quarantine),
    *urlpatterns_of(ledger_reports),
    *urlpatterns_of(ledger_rates),
    *urlpatterns_of(ledger_report_jobs),
    *urlpatterns_of(ledger_templates),
    *urlpatterns_of(wallet),
    *urlpatterns_of(realtime),
]

urlpatterns = [
    path("", landing, name="landing"),
    path("favicon.ico", RedirectView.as_view(url=static("stoa/mark.svg"))),
    path(FILES, download, name="files"),
    path("admin/trace/", admin.site.admin_view(trace_page), name="trace"),
    path("admin/books/<uuid:book_id>/check/", admin.site.admin_view(book_check), name="book_check"),
    path("admin/books/<uuid:book_id>/<slug:name>/", admin.site.admin_view(book_page), name="book_page"),
    path("admin/login/", admin_sign_in),
    path("admin/password_change/", admin.site.admin_view(admin_password)),
    path("admin/", admin.site.urls),
    path("api/schema/", SpectacularAPIView.as_view(), name="schema"),
    path("api/docs/", SpectacularSwaggerSplitView.as_view(url_name="schema"), name="docs"),
    path("api/v1/", include(api)),
    path("internal/", include(urlpatterns_of(internal_realtime))),
]

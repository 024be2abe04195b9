"""Every address Stoa answers, but for the probes, which the WSGI entry answers before Django."""

from django.contrib import admin
from django.templatetags.static import static
from django.urls import URLPattern, URLResolver, include, path
from django.views.generic import RedirectView
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

from stoa.apps.accounts.http import routes as accounts
from stoa.platform.audit.http import routes as audit
from stoa.platform.flags.http import routes as flags
from stoa.platform.http.views import urlpatterns_of
from stoa.platform.observability.trace_page import trace_page
from stoa.project.landing import landing
from stoa.project.system_http import routes as system

api: list[URLPattern | URLResolver] = [
    *urlpatterns_of(system),
    *urlpatterns_of(flags),
    *urlpatterns_of(audit),
    *urlpatterns_of(accounts),
]

urlpatterns = [
    path("", landing, name="landing"),
    path("favicon.ico", RedirectView.as_view(url=static("stoa/mark.svg"))),
    path("admin/trace/", admin.site.admin_view(trace_page), name="trace"),
    path("admin/", admin.site.urls),
    path("api/schema/", SpectacularAPIView.as_view(), name="schema"),
    path("api/docs/", SpectacularSwaggerSplitView.as_view(url_name="schema"), name="docs"),
    path("api/v1/", include(api)),
]

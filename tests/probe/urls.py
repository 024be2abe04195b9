from django.urls import include, path

from stoa.platform.http.views import urlpatterns_of
from stoa.project.urls import urlpatterns as served
from tests.probe.http import crash_routes, routes
from tests.probe.told import told_routes

probes = [each for group in (routes, crash_routes, told_routes) for each in urlpatterns_of(group)]
urlpatterns = [*served, path("api/v1/", include(probes))]

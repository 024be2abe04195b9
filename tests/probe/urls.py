from django.urls import include, path

from stoa.platform.http.views import urlpatterns_of
from stoa.project.urls import urlpatterns as served
from tests.probe.http import crash_routes, routes

urlpatterns = [*served, path("api/v1/", include([*urlpatterns_of(routes), *urlpatterns_of(crash_routes)]))]

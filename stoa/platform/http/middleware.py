"""The envelope for errors that Django answers itself: unknown paths, refused hosts, failures in other middleware."""

from django.http import HttpRequest, HttpResponseBase
from django.utils.deprecation import MiddlewareMixin

from stoa.platform.http.entry import API
from stoa.platform.http.envelope import JSON, PROBLEM
from stoa.platform.http.errors import failure_of_status
from stoa.platform.http.views import refusal_response


class ApiErrorsMiddleware(MiddlewareMixin):
    """First in the list, so that it sees what every other layer answered, debug pages included."""

    sync_capable = True
    async_capable = False

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        if (match := request.resolver_match) is not None:
            request.META["stoa.route"] = match.route
        own = response.headers.get("Content-Type", "").startswith((JSON, PROBLEM))
        if response.status_code < 400 or own or not request.path_info.startswith(API):
            return response
        response.close()
        return refusal_response(request, failure_of_status(response.status_code))

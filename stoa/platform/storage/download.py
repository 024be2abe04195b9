"""`GET /files?t=`: the file behind a link. Outside the envelope, as files are."""

from django.http import FileResponse, HttpRequest, HttpResponse, HttpResponseBase
from django.views.decorators.http import require_safe

from stoa.kit.errors import Unauthenticated
from stoa.platform.http.public import authenticate
from stoa.platform.storage.client import NotStored, storage
from stoa.platform.storage.links import BadLink, read_link


@require_safe
def download(request: HttpRequest) -> HttpResponseBase:
    """Always as an attachment: nothing that a person uploaded is shown as a page of ours."""
    try:
        link = read_link(request.GET.get("t", ""))
        if link.owner and link.owner != _caller(request):
            raise BadLink
        file = storage().open(link.key)
    except Unauthenticated:
        return HttpResponse("Sign in to do this.\n", status=401, content_type="text/plain; charset=utf-8")
    except (BadLink, NotStored):
        return HttpResponse("There is nothing here.\n", status=404, content_type="text/plain; charset=utf-8")
    response = FileResponse(file, as_attachment=True, filename=link.filename)
    response["Cache-Control"] = "private, no-store"
    return response


def _caller(request: HttpRequest) -> str:
    """Raises Unauthenticated."""
    scheme, _, token = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
    if scheme.lower() != "bearer" or not token.isascii():
        raise Unauthenticated
    return str(authenticate(token.strip(), None).user_id)

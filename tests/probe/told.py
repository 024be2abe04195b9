"""One route with an event and its twin without: what a story begins with, and what publishing adds to a POST.

Not in the documented set: only tests and benchmarks that look for them call them."""

from stoa.platform.audit.recording import record
from stoa.platform.db.transactions import transaction
from stoa.platform.http.access import SIGNED_IN
from stoa.platform.http.endpoints import Routes
from stoa.platform.http.views import Call
from stoa.platform.outbox.publishing import publish
from tests.probe.events import NoteTold
from tests.probe.http import NoteView, TitleInput, shape
from tests.probe.models import Note

told_routes = Routes("probe stories")


def _write(call: Call[TitleInput, None]) -> Note:
    note = Note.objects.create(title=call.body.title, owner_id=call.caller.user_id)
    record(action="probe.note_written", object_type="note", object_id=note.pk, after={"title": note.title})
    return note


@told_routes.post("probe/kept", access=SIGNED_IN, body=TitleInput, answer=NoteView, status=201)
def keep(call: Call[TitleInput, None]) -> NoteView:
    with transaction():
        note = _write(call)
    return shape(note)


@told_routes.post("probe/told", access=SIGNED_IN, body=TitleInput, answer=NoteView, status=201)
def tell(call: Call[TitleInput, None]) -> NoteView:
    with transaction():
        note = _write(call)
        publish(NoteTold(title=note.title))
    return shape(note)

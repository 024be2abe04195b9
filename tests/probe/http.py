from datetime import date, datetime
from uuid import UUID

from django.db import IntegrityError, connection
from pydantic import Field

from stoa.kit.contract import Contract
from stoa.kit.errors import (
    Conflict,
    Denied,
    DomainError,
    Invalid,
    Kind,
    Limited,
    Malformed,
    Missing,
    Stale,
    Unauthenticated,
    Unavailable,
    Upstream,
)
from stoa.kit.money import Money
from stoa.platform.db.transactions import transaction
from stoa.platform.http.access import INTERNAL, PUBLIC, SIGNED_IN, org, staff
from stoa.platform.http.endpoints import Answer, Routes
from stoa.platform.http.inputs import Day, Id, Input, Moment, MoneyInput, QueryInput, Text
from stoa.platform.http.pages import NumberedQuery, Page, PageQuery, keyset_page, numbered_page
from stoa.platform.http.views import Call
from stoa.runtime.pause_points import pause_point
from tests.probe.models import Note

routes = Routes("probe")


class TitleTaken(Conflict):
    code, message = "TITLE_TAKEN", "One note a title."


class NoteView(Contract):
    id: UUID
    title: str
    amount: Money
    created_at: datetime


class Echo(Contract):
    text: str
    amount: Money
    at: datetime
    day: date
    ref: UUID


class Said(Contract):
    said: str


class NoteInput(Input):
    title: Text = Field(max_length=100)
    amount: MoneyInput


class EchoInput(Input):
    text: Text
    amount: MoneyInput
    at: Moment
    day: Day
    ref: Id


class TitleInput(Input):
    title: Text = Field(max_length=100)


class FailQuery(QueryInput):
    kind: Kind | None = None


class NoteQuery(PageQuery):
    title: str | None = Field(None, max_length=100)


def shape(note: Note) -> NoteView:
    return NoteView(
        id=note.pk, title=note.title, amount=Money(note.amount_minor, note.currency), created_at=note.created_at
    )


def _make(call: Call[NoteInput, None]) -> NoteView:
    amount: Money = call.body.amount
    note = Note(
        title=call.body.title,
        owner_id=call.caller.user_id,
        amount_minor=amount.minor,
        currency=amount.currency,
    )
    with transaction():
        if Note.objects.filter(owner_id=note.owner_id, title=note.title).exists():
            raise TitleTaken
        try:
            note.save(force_insert=True)
        except IntegrityError:
            raise TitleTaken from None
        pause_point("probe.note_written")
    return shape(note)


@routes.post("probe/notes", access=SIGNED_IN, body=NoteInput, answer=NoteView, status=201, raises=(TitleTaken,))
def make_note(call: Call[NoteInput, None]) -> NoteView:
    return _make(call)


@routes.post(
    "probe/transfers",
    access=SIGNED_IN,
    body=NoteInput,
    answer=NoteView,
    status=201,
    raises=(TitleTaken,),
    idempotency="required",
)
def make_transfer(call: Call[NoteInput, None]) -> NoteView:
    return _make(call)


@routes.get("probe/notes", access=SIGNED_IN, query=NoteQuery, answer=NoteView, listed="keyset")
def list_notes(call: Call[None, NoteQuery]) -> Page:
    rows = Note.objects.filter(owner_id=call.caller.user_id)
    if call.query.title is not None:
        rows = rows.filter(title__startswith=call.query.title)
    return keyset_page(rows, call.query, route=call.route, order=("-created_at", "-id"), shape=shape)


@routes.get("probe/table", access=staff("probe", "read"), query=NumberedQuery, answer=NoteView, listed="numbered")
def table_notes(call: Call[None, NumberedQuery]) -> Page:
    return numbered_page(Note.objects.order_by("-id"), call.query, shape=shape)


@routes.get("probe/notes/<uuid:note_id>", access=SIGNED_IN, answer=NoteView, conditional="read", raises=(Missing,))
def show_note(call: Call[None, None], note_id: UUID) -> Answer:
    note = _mine(call, note_id)
    return Answer(shape(note), etag=str(note.version))


@routes.patch(
    "probe/notes/<uuid:note_id>",
    access=SIGNED_IN,
    body=TitleInput,
    answer=NoteView,
    conditional="write",
    raises=(Missing, TitleTaken),
)
def edit_note(call: Call[TitleInput, None], note_id: UUID) -> Answer:
    try:
        with transaction():
            note = _mine(call, note_id, lock=True)
            call.require_match(str(note.version))
            note.title, note.version = call.body.title, note.version + 1
            note.save(update_fields=["title", "version"])
    except IntegrityError:
        raise TitleTaken from None
    return Answer(shape(note), etag=str(note.version))


@routes.post("probe/echo", access=PUBLIC, body=EchoInput, answer=Echo, idempotency="ignored")
def echo(call: Call[EchoInput, None]) -> Echo:
    body = call.body
    return Echo(text=body.text, amount=body.amount, at=body.at, day=body.day, ref=body.ref)


@routes.get("probe/org", access=org("probe", "read"), answer=Said)
def of_org(call: Call[None, None]) -> Said:
    return Said(said="in the organization")


@routes.get("probe/internal", access=INTERNAL, answer=Said)
def of_gateway(call: Call[None, None]) -> Said:
    return Said(said="between processes")


_ERRORS: dict[Kind, DomainError] = {
    Kind.MALFORMED: Malformed(),
    Kind.UNAUTHENTICATED: Unauthenticated(),
    Kind.DENIED: Denied(),
    Kind.MISSING: Missing(),
    Kind.CONFLICT: Conflict(),
    Kind.STALE: Stale(),
    Kind.INVALID: Invalid({"kind": ["because"]}),
    Kind.LIMITED: Limited(retry_after_s=7),
    Kind.UPSTREAM: Upstream(),
    Kind.UNAVAILABLE: Unavailable(retry_after_s=3),
}


@routes.get(
    "probe/fail",
    access=PUBLIC,
    query=FailQuery,
    answer=Said,
    raises=(Malformed, Unauthenticated, Denied, Missing, Conflict, Stale, Limited, Upstream, Unavailable),
)
def fail(call: Call[None, FailQuery]) -> Said:
    if call.query.kind is None:
        return Said(said="no")
    raise _ERRORS[call.query.kind]


class Unforeseen(Exception):
    """What no table knows."""


crash_routes = Routes("probe crashes")
"""Not in the documented set: these show what an unforeseen failure answers."""


@crash_routes.get("probe/crash", access=PUBLIC, answer=Said)
def crash(call: Call[None, None]) -> Said:
    raise Unforeseen("password=hunter2-in-an-exception")


@crash_routes.get("probe/sleep", access=PUBLIC, answer=Said)
def sleep(call: Call[None, None]) -> Said:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_sleep(30)")
    return Said(said="awake")


def _mine(call: Call[object, None], note_id: UUID, *, lock: bool = False) -> Note:
    rows = Note.objects.select_for_update() if lock else Note.objects.all()
    note = rows.filter(pk=note_id, owner_id=call.caller.user_id).first()
    if note is None:
        raise Missing
    return note

"""The books in the admin: shown, never written. What is posted is changed by nobody, staff included."""

from time import monotonic
from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html_join
from django.utils.safestring import SafeString

from stoa.apps.ledger.models import Account, Book, Entry, Period, Quarantined, ReportJob
from stoa.apps.ledger.queries import entry_view
from stoa.apps.ledger.services.overview import EntryChain, chain_of, verify_within
from stoa.kit.errors import Conflict, Unavailable
from stoa.kit.ids import parse_id
from stoa.kit.money import Money
from stoa.platform.admin_pages.acts import act_on_each
from stoa.platform.admin_pages.base import ReadOnlyAdmin
from stoa.platform.admin_pages.looks import (
    BAD,
    GOOD,
    PLAIN,
    WARNING,
    labelled,
    list_link,
    page_link,
    row_link,
    story_link,
    table,
)
from stoa.platform.db.tenant import across_tenants, tenant_scope

_OPEN = {"open": GOOD, "closed": BAD}
_JOBS = {"done": GOOD, "failed": BAD, "running": WARNING, "waiting": PLAIN}
_CURED = {"cured": GOOD, "open": BAD}
CHECK_WITHIN_S = 20.0


class _OfBooks(ReadOnlyAdmin):
    """Rows of every book, with the id of a book as a search."""

    list_select_related: ClassVar[tuple[str, ...]] = ()

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        with across_tenants("the admin shows the books of every organization to staff"):
            return super().get_queryset(request).select_related(*self.list_select_related)


@admin.register(Book)
class BookAdmin(ReadOnlyAdmin):
    list_display = ("id", "currency", "created_at")
    search_fields = ("id",)
    search_help_text = "Id of an organization"
    fields = ("id", "currency", "created_at", "pages", "accounts", "entries")
    readonly_fields = ("pages", "accounts", "entries")
    actions = ("check_books",)

    def wanted(self, term: str) -> Q:
        return Q(pk=parse_id(term))

    def has_act_permission(self, request: HttpRequest) -> bool:
        return self.may_act(request)

    @admin.display(description="at a glance")
    def pages(self, row: Book) -> SafeString:
        return format_html_join(
            ", ",
            '<a href="{}" class="text-primary-600 dark:text-primary-500">{}</a>',
            ((reverse("book_page", args=[row.pk, name]), name) for name in ("tree", "statements", "months")),
        )

    @admin.display(description="accounts")
    def accounts(self, row: Book) -> SafeString:
        return list_link("ledger.account", "of this book", q=str(row.pk))

    @admin.display(description="entries")
    def entries(self, row: Book) -> SafeString:
        return list_link("ledger.entry", "of this book", q=str(row.pk))

    @admin.action(description="Check that everything holds", permissions=["act"])
    def check_books(self, request: HttpRequest, queryset: QuerySet[Book]) -> None:
        until = monotonic() + CHECK_WITHIN_S
        act_on_each(self, request, queryset, lambda row: _refuse_broken(row, until - monotonic()), done="hold")


def _refuse_broken(row: Book, within_s: float) -> None:
    verdict = verify_within(book_id=row.pk, within_s=within_s)
    if verdict is None:
        raise Unavailable("Not checked in time: run ledger_verify.")
    if verdict.faults:
        raise Conflict(f"{len(verdict.faults)} faults, such as: {verdict.faults[0].told}.")


@admin.register(Account)
class AccountAdmin(_OfBooks):
    list_display = ("code", "name", "type", "currency", "amount", "available", "standing", "book_page")
    list_select_related = ("balance", "book", "parent")
    search_fields = ("book_id",)
    search_help_text = "Id of an organization or of an account"
    fields = (
        *("id", "book_page", "code", "name", "type", "currency", "parent", "role", "owner", "floor_minor"),
        *("is_open", "amount", "held", "available", "created_at"),
    )
    readonly_fields = ("book_page", "amount", "held", "available")

    def wanted(self, term: str) -> Q:
        number = parse_id(term)
        return Q(book_id=number) | Q(pk=number) if number else Q(pk=None)

    @admin.display(description="balance")
    def amount(self, row: Account) -> str:
        return Money(row.balance.posted_minor, row.currency).amount

    @admin.display(description="held")
    def held(self, row: Account) -> str:
        return Money(row.balance.held_minor, row.currency).amount

    @admin.display(description="available")
    def available(self, row: Account) -> str:
        return Money(row.balance.available_minor, row.currency).amount

    @labelled("state", _OPEN)
    def standing(self, row: Account) -> str:
        return "open" if row.is_open else "closed"

    @admin.display(description="book")
    def book_page(self, row: Account) -> SafeString | str:
        return row_link(row.book)


@admin.register(Entry)
class EntryAdmin(_OfBooks):
    list_display = ("id", "kind", "description", "effective_at", "recorded_at", "book_page")
    list_select_related = ("book", "reverses", "reversed_by", "seal")
    search_fields = ("key",)
    search_help_text = "Id of an entry, of an organization, or of a request"
    fields = (
        *("id", "number", "book_page", "kind", "description", "effective_at", "recorded_at", "lines"),
        *("causes", "story", "takes_back", "taken_back_by", "key", "happened"),
    )
    readonly_fields = ("number", "book_page", "lines", "causes", "story", "takes_back", "taken_back_by", "happened")

    def wanted(self, term: str) -> Q:
        number = parse_id(term)
        return Q(pk=number) | Q(book_id=number) | Q(request_id=term) if number else Q(request_id=term)

    @admin.display(description="number")
    def number(self, row: Entry) -> str:
        seal = getattr(row, "seal", None)
        return str(seal.seq) if seal is not None else "provisional"

    @admin.display(description="book")
    def book_page(self, row: Entry) -> SafeString | str:
        return row_link(row.book)

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Entry | None:
        """With what belongs to it, and its story for those who may see the audit trail."""
        row: Entry | None = super().get_object(request, object_id, from_field)
        if row is not None:
            may_trace = request.user.has_perm("audit.view_auditrecord")
            row.told = chain_of(entry=row, with_story=may_trace)  # type: ignore[attr-defined]  # for the columns below
        return row

    @admin.display(description="lines")
    def lines(self, row: Entry) -> SafeString:
        with tenant_scope(row.book_id):
            told = entry_view(row.pk).lines
        shown = [
            (
                page_link("ledger.account", line.account_id, f"{line.account_code} {line.account_name}"),
                line.amount.amount if line.side == "debit" else "",
                line.amount.amount if line.side == "credit" else "",
                line.amount.currency,
                line.memo,
            )
            for line in told
        ]
        return table(("Account", "Debit", "Credit", "", "Memo"), shown, numbers=(1, 2))

    @admin.display(description="belongs to")
    def causes(self, row: Entry) -> SafeString:
        told: EntryChain = row.told  # type: ignore[attr-defined]
        shown: list[tuple[object, object]] = []
        if row.reference_type or row.reference_id:
            to = row_link(told.reference) if told.reference is not None else row.reference_id
            shown.append((row.reference_type, to))
        shown += [
            ("hold", page_link("ledger.account", each.account_id, f"{each.pk} {each.state}")) for each in told.holds
        ]
        shown += [("quarantine" if each.cure_id != row.pk else "cures", row_link(each)) for each in told.quarantined]
        shown.append(("digest", bytes(row.digest).hex()))
        seal = getattr(row, "seal", None)
        shown.append(("hash in the chain", bytes(seal.hash).hex() if seal is not None else "not numbered yet"))
        return table(("What", "Which"), shown)

    @admin.display(description="with the same request")
    def happened(self, row: Entry) -> SafeString | str:
        told: EntryChain = row.told  # type: ignore[attr-defined]
        if not told.story:
            return "-"
        shown = [(f"{line.at:%Y-%m-%d %H:%M:%S.%f}", line.what, line.detail) for line in told.story]
        return table(("When (UTC)", "What", "Detail"), shown)

    @admin.display(description="request")
    def story(self, row: Entry) -> SafeString | str:
        return story_link(row.request_id)

    @admin.display(description="takes back")
    def takes_back(self, row: Entry) -> SafeString | str:
        return row_link(row.reverses)

    @admin.display(description="taken back by")
    def taken_back_by(self, row: Entry) -> SafeString | str:
        return row_link(getattr(row, "reversed_by", None))


@admin.register(Period)
class PeriodAdmin(_OfBooks):
    list_display = ("name", "starts_at", "ends_at", "standing", "book")
    list_select_related = ("book",)
    search_fields = ("book_id",)
    search_help_text = "Id of an organization"
    fields = ("id", "book", "name", "starts_at", "ends_at", "is_closed", "closed_at", "created_at")

    def wanted(self, term: str) -> Q:
        return Q(book_id=parse_id(term))

    @labelled("state", _OPEN)
    def standing(self, row: Period) -> str:
        return "closed" if row.is_closed else "open"


@admin.register(Quarantined)
class QuarantinedAdmin(_OfBooks):
    list_display = ("kind", "subject", "told", "quarantined_at", "standing", "book_page")
    list_select_related = ("book", "cure")
    search_fields = ("subject",)
    search_help_text = "Id of an organization, or of what was set aside"
    fields = (
        *("id", "book_page", "kind", "subject", "told", "reason", "quarantined_by", "quarantined_at", "standing"),
        *("approval_id", "cure_page", "cure_reason", "cured_by", "cured_at"),
    )
    readonly_fields = ("book_page", "standing", "cure_page")

    def wanted(self, term: str) -> Q:
        return Q(book_id=parse_id(term)) | Q(subject=term)

    @labelled("state", _CURED)
    def standing(self, row: Quarantined) -> str:
        return "cured" if row.cure_id is not None else "open"

    @admin.display(description="book")
    def book_page(self, row: Quarantined) -> SafeString | str:
        return row_link(row.book)

    @admin.display(description="cure")
    def cure_page(self, row: Quarantined) -> SafeString | str:
        return row_link(row.cure)


@admin.register(ReportJob)
class ReportJobAdmin(_OfBooks):
    list_display = ("report", "form", "standing", "rows_done", "rows_total", "asked_at", "finished_at", "book_page")
    list_select_related = ("book",)
    search_fields = ("book_id",)
    search_help_text = "Id of an organization"
    fields = (
        *("id", "book_page", "report", "form", "parameters", "standing", "rows_done", "rows_total", "size_bytes"),
        *("sha256", "failure", "asked_by", "asked_at", "finished_at", "expires_at"),
    )
    readonly_fields = ("book_page", "standing")

    def wanted(self, term: str) -> Q:
        return Q(book_id=parse_id(term))

    @labelled("state", _JOBS)
    def standing(self, row: ReportJob) -> str:
        return row.state

    @admin.display(description="book")
    def book_page(self, row: ReportJob) -> SafeString | str:
        return row_link(row.book)

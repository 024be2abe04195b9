"""The books in the admin: shown, never written. What is posted is changed by nobody, staff included."""

from collections.abc import Iterable
from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString

from stoa.apps.ledger.contracts import BalanceSheet, Section, TrialBalance
from stoa.apps.ledger.models import Account, Book, Entry, Period, Quarantined
from stoa.apps.ledger.queries import entry_view, trial_balance
from stoa.apps.ledger.services.reporting import balance_sheet
from stoa.kit.ids import parse_id
from stoa.kit.money import Money
from stoa.platform.admin_pages.base import ReadOnlyAdmin
from stoa.platform.admin_pages.looks import BAD, GOOD, labelled, list_link, preformatted, row_link, story_link
from stoa.platform.db.tenant import across_tenants, tenant_scope

_OPEN = {"open": GOOD, "closed": BAD}
_CURED = {"cured": GOOD, "open": BAD}
_WIDE = 34


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
    fields = ("id", "currency", "created_at", "accounts", "entries", "sheet", "trial")
    readonly_fields = ("accounts", "entries", "sheet", "trial")

    def wanted(self, term: str) -> Q:
        return Q(pk=parse_id(term))

    @admin.display(description="accounts")
    def accounts(self, row: Book) -> SafeString:
        return list_link("ledger.account", "of this book", q=str(row.pk))

    @admin.display(description="entries")
    def entries(self, row: Book) -> SafeString:
        return list_link("ledger.entry", "of this book", q=str(row.pk))

    @admin.display(description="balance sheet, now")
    def sheet(self, row: Book) -> SafeString:
        return preformatted("\n".join(_sheet_lines(balance_sheet(book_id=row.pk))))

    @admin.display(description="trial balance, now")
    def trial(self, row: Book) -> SafeString:
        return preformatted("\n".join(_trial_lines(trial_balance(book_id=row.pk))))


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
        *("reference_type", "reference_id", "story", "takes_back", "taken_back_by", "key"),
    )
    readonly_fields = ("number", "book_page", "lines", "story", "takes_back", "taken_back_by")

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

    @admin.display(description="lines")
    def lines(self, row: Entry) -> SafeString:
        with tenant_scope(row.book_id):
            told = entry_view(row.pk).lines
        return preformatted(
            "\n".join(
                f"{line.account_code:<12}{line.account_name:<{_WIDE}}"
                + (f"{line.amount.amount:>18}{'':>18}" if line.side == "debit" else f"{'':>18}{line.amount.amount:>18}")
                + f" {line.amount.currency}  {line.memo}".rstrip()
                for line in told
            )
        )

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


def _amount(money: Money) -> str:
    return f"{money.amount:>18} {money.currency}"


def _section_lines(section: Section) -> Iterable[str]:
    yield section.title.upper()
    for row in section.rows:
        yield f"  {row.code:<10}{row.name:<{_WIDE}}{_amount(row.amount)}"
    for total in section.totals:
        yield f"  {'Total ' + section.title.lower():<{_WIDE + 10}}{_amount(total)}"
    yield ""


def _sheet_lines(sheet: BalanceSheet) -> Iterable[str]:
    for section in (sheet.assets, sheet.liabilities, sheet.equity):
        yield from _section_lines(section)
    for title, moneys in (("Earnings not yet closed", sheet.unclosed_earnings), ("Difference", sheet.difference)):
        for money in moneys:
            yield f"{title:<{_WIDE + 12}}{_amount(money)}"
    yield f"As numbered up to {sheet.sealed_to}"


def _trial_lines(told: TrialBalance) -> Iterable[str]:
    yield f"{'':<{_WIDE + 12}}{'Debit':>18}{'Credit':>18}"
    for row in told.rows:
        signed = row.debits.minor - row.credits.minor
        amount = Money(abs(signed), row.debits.currency).amount
        sides = f"{amount:>18}{'':>18}" if signed >= 0 else f"{'':>18}{amount:>18}"
        yield f"{row.code:<12}{row.name:<{_WIDE}}{sides} {row.debits.currency}"

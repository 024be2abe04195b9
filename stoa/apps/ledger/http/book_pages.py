"""Pages of a book in the admin: its tree of accounts, its statements, its months, a check. Wired in project/urls.py
into `admin.site.admin_view`."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import Any
from uuid import UUID

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db import OperationalError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.dateparse import parse_datetime
from django.views.decorators.http import require_GET, require_POST

from stoa.apps.ledger.contracts import BalanceSheet, Section, TrialBalance
from stoa.apps.ledger.models import Book
from stoa.apps.ledger.queries import trial_balance
from stoa.apps.ledger.services.overview import Month, account_tree, months_of, verify_within
from stoa.apps.ledger.services.reporting import balance_sheet
from stoa.kit.clock import utc_now
from stoa.kit.money import Money

CHECK_WITHIN_S = 20.0
_HIGH, _WIDE, _BAR = 120, 720, 44
_INSTANT = timedelta(microseconds=1)


@require_GET
def book_page(request: HttpRequest, book_id: UUID, name: str) -> HttpResponse:
    """`/admin/books/<id>/<name>/` for those who may view books. 404 for a page or a book that is not there."""
    _admit(request, "view")
    shown = _PAGES.get(name)
    if shown is None:
        raise Http404
    return _rendered(request, book_id, name, shown(request, book_id))


def _tree(request: HttpRequest, book_id: UUID) -> dict[str, Any]:
    return {"tree": account_tree(book_id=book_id)}


def _statements(request: HttpRequest, book_id: UUID) -> dict[str, Any]:
    """`?until=`: everything before that instant (UTC where it names no zone); none: now."""
    said = request.GET.get("until", "").strip()
    until = _instant(said) if said else None
    if said and until is None:
        return {"said": said, "is_bad": True}
    sheet = balance_sheet(book_id=book_id, until=until)
    told = trial_balance(book_id=book_id, effective_to=until - _INSTANT if until is not None else None)
    shown = {"said": said, "until": until, "sealed_to": sheet.sealed_to, "quarantined": sheet.quarantined}
    return {**shown, "sheets": _sheets(sheet), "trial": _trial(told)}


def _months(request: HttpRequest, book_id: UUID) -> dict[str, Any]:
    months = months_of(book_id=book_id, now=utc_now())
    charts = [
        {
            "currency": currency,
            "months": rows,
            "charts": (
                ("Revenue", _bars(rows, [each.revenue for each in rows])),
                ("Cash at the end of the month", _bars(rows, [each.cash for each in rows])),
            ),
        }
        for currency, rows in months.items()
    ]
    return {"currencies": charts, "wide": _WIDE, "high": _HIGH}


_PAGES: dict[str, Callable[[HttpRequest, UUID], dict[str, Any]]] = {
    "tree": _tree,
    "statements": _statements,
    "months": _months,
}


@require_POST
def book_check(request: HttpRequest, book_id: UUID) -> HttpResponse:
    """`/admin/books/<id>/check/`: for those who may change books. It takes CHECK_WITHIN_S, and a statement the time all have here."""
    _admit(request, "change")
    try:
        verdict = verify_within(book_id=book_id, within_s=CHECK_WITHIN_S)
    except OperationalError:  # a statement was cut off
        verdict = None
    return _rendered(request, book_id, "check", {"verdict": verdict, "within_s": CHECK_WITHIN_S})


def _admit(request: HttpRequest, word: str) -> None:
    words = ("view", "change") if word == "view" else (word,)
    if not any(request.user.has_perm(f"ledger.{each}_book") for each in words):
        raise PermissionDenied


def _rendered(request: HttpRequest, book_id: UUID, name: str, shown: dict[str, Any]) -> HttpResponse:
    book = Book.objects.filter(pk=book_id).first()
    if book is None:
        raise Http404
    context = {
        **admin.site.each_context(request),
        **shown,
        "title": "Book",
        "book": book,
        "tab": name,
        "tabs": (("tree", "Accounts"), ("statements", "Statements"), ("months", "Months")),
        "may_check": request.user.has_perm("ledger.change_book"),
    }
    return render(request, f"ledger/book_{name}.html", context, status=400 if shown.get("is_bad") else 200)


def _instant(said: str) -> datetime | None:
    try:
        found = parse_datetime(said if len(said) > len("2026-01-01") else f"{said}T00:00")
        if found is None:
            return None
        found = found if found.tzinfo is not None else found.replace(tzinfo=UTC)
        found = found.astimezone(UTC)
        return found if found.year > 1 else None  # a microsecond before it is a time as well
    except (ValueError, OverflowError):
        return None


@dataclass(frozen=True, slots=True)
class SheetOfCurrency:
    """`owed` is liabilities, equity and earnings together: what assets have to be."""

    currency: str
    sections: tuple[tuple[str, tuple[Any, ...], Money], ...]
    earnings: Money
    assets: Money
    owed: Money
    difference: Money


def _sheets(sheet: BalanceSheet) -> list[SheetOfCurrency]:
    found = []
    for currency in [money.currency for money in sheet.difference]:
        sections = tuple(
            (section.title, tuple(row for row in section.rows if row.amount.currency == currency), total)
            for section, total in (
                (each, _of(each, currency)) for each in (sheet.assets, sheet.liabilities, sheet.equity)
            )
        )
        earnings = next((each for each in sheet.unclosed_earnings if each.currency == currency), Money(0, currency))
        assets, liabilities, equity = (total for _, _, total in sections)
        owed = Money(liabilities.minor + equity.minor + earnings.minor, currency)
        difference = Money(assets.minor - owed.minor, currency)
        found.append(SheetOfCurrency(currency, sections, earnings, assets, owed, difference))
    return found


def _of(section: Section, currency: str) -> Money:
    return next((each for each in section.totals if each.currency == currency), Money(0, currency))


def _trial(told: TrialBalance) -> list[dict[str, Any]]:
    """By currency: each account's balance on the side where it stands, and the sums of both sides."""
    rows = sorted(told.rows, key=lambda row: row.debits.currency)
    found = []
    for currency, accounts in groupby(rows, key=lambda row: row.debits.currency):
        lines, sums = [], [0, 0]
        for row in accounts:
            signed = row.debits.minor - row.credits.minor
            sums[signed < 0] += abs(signed)
            amount = Money(abs(signed), currency)
            lines.append(
                {"row": row, "debit": amount if signed >= 0 else None, "credit": amount if signed < 0 else None}
            )
        difference = Money(sums[0] - sums[1], currency)
        both = (Money(sums[0], currency), Money(sums[1], currency))
        found.append({"currency": currency, "lines": lines, "sums": both, "difference": difference})
    return found


def _bars(months: list[Month], values: list[Money]) -> dict[str, Any]:
    """Bars from a line at zero; what is below it hangs from it. All numbers are of ours, in units of the picture."""
    top, bottom = max(0, *(each.minor for each in values)), min(0, *(each.minor for each in values))
    scale = _HIGH / ((top - bottom) or 1)
    zero, step = top * scale, _WIDE / len(values)
    bars = [
        {
            "month": f"{month.starts_at:%Y-%m}",
            "money": money,
            "x": f"{index * step + (step - _BAR) / 2:.1f}",
            "middle": f"{index * step + step / 2:.1f}",
            "y": f"{zero - max(money.minor, 0) * scale:.1f}",
            "high": f"{abs(money.minor) * scale:.1f}",
        }
        for index, (month, money) in enumerate(zip(months, values, strict=True))
    ]
    return {"bars": bars, "zero": f"{zero:.1f}", "wide": _BAR}

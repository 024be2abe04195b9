"""Opening the books of an organization, or the platform's: the book and its seeded chart."""

from uuid import UUID

from stoa.apps.ledger.domain import CHART, code_in
from stoa.apps.ledger.models import Account, Book
from stoa.apps.organizations.public import base_currency_of
from stoa.kit.errors import Invalid
from stoa.kit.money import EXPONENTS
from stoa.platform.db.tenant import tenant_scope
from stoa.platform.db.transactions import transaction


def open_book(*, book_id: UUID, currency: str) -> Book:
    """The book with its system accounts; the one that is there, if there is one. Raises Invalid."""
    book = Book.objects.filter(pk=book_id).first()
    if book is not None:
        return book
    if currency not in EXPONENTS:
        raise Invalid({"currency": ["unknown currency"]})
    with transaction(), tenant_scope(book_id):
        Book.objects.bulk_create([Book(id=book_id, currency=currency)], ignore_conflicts=True)
        # Whoever opened it at the same moment may have named another currency: the row that is there decides.
        book = Book.objects.get(pk=book_id)
        Account.objects.bulk_create(
            [
                Account(
                    book_id=book_id,
                    code=each.code,
                    name=each.name,
                    type=each.type,
                    normal=each.normal,
                    currency=book.currency,
                    role=each.role,
                    owner=each.owner,
                )
                for each in CHART.values()
            ],
            ignore_conflicts=True,
        )
    return book


def books_of_organization(*, org_id: UUID) -> Book:
    """An organization's book, opened in its base currency where nobody has yet."""
    return Book.objects.filter(pk=org_id).first() or open_book(book_id=org_id, currency=base_currency_of(org_id))


def system_account(*, book_id: UUID, role: str, currency: str) -> UUID:
    """The account that the house knows by this role in this currency, made when it is first wanted.

    Raises KeyError for an unknown role, Invalid for an unknown currency; the book has to be open."""
    seeded = CHART[role]
    with tenant_scope(book_id):
        found = Account.objects.filter(role=role, currency=currency).values_list("pk", flat=True).first()
        if found is not None:
            return found
        if currency not in EXPONENTS:
            raise Invalid({"currency": ["unknown currency"]})
        book = Book.objects.get(pk=book_id)
        with transaction():
            Account.objects.bulk_create(
                [
                    Account(
                        book_id=book_id,
                        code=code_in(seeded.code, currency, book.currency),
                        name=seeded.name if currency == book.currency else f"{seeded.name} ({currency})",
                        type=seeded.type,
                        normal=seeded.normal,
                        currency=currency,
                        role=role,
                        owner=seeded.owner,
                    )
                ],
                ignore_conflicts=True,
            )
        return Account.objects.values_list("pk", flat=True).get(role=role, currency=currency)

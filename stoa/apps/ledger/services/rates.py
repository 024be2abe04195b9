"""Rates of exchange that a book keeps, and changing one currency for another at them.

A rate holds from its instant until the next one of its pair. The pair has a direction: what one EUR is in USD says
nothing of what a USD is in EUR, because whoever changes money keeps both, and they differ."""

from datetime import datetime
from uuid import UUID

from django.db import IntegrityError

from stoa.apps.ledger.contracts import Draft, EntryView, RateView, credit, debit
from stoa.apps.ledger.domain import EARLIEST, LATEST, Quoted, api_key, converted, read_rate
from stoa.apps.ledger.errors import CurrencyMismatch, KeyReused, RateExists, RateMissing, UnknownAccount
from stoa.apps.ledger.models import Account, Entry, Line, Rate
from stoa.apps.ledger.queries import entry_view, rate_view
from stoa.apps.ledger.services.books import system_account
from stoa.apps.ledger.services.posting import post_entry
from stoa.kit.clock import utc_now
from stoa.kit.errors import Invalid
from stoa.kit.money import EXPONENTS, MAX_MINOR, Money, MoneyError
from stoa.platform.audit.recording import record
from stoa.platform.db.tenant import tenant_scope
from stoa.platform.db.transactions import savepoint, transaction
from stoa.runtime.pause_points import pause_point

EXCHANGE = "ledger.exchange"


def add_rate(*, book_id: UUID, base: str, quote: str, rate: str, at: datetime | None, source: str = "") -> RateView:
    """One `base` is `rate` of `quote`, a decimal string, from `at` on (now, unless given). Never changed: a better one
    gets an instant of its own. Raises Invalid, RateExists; audited."""
    faults = {name: ["unknown currency"] for name, code in (("base", base), ("quote", quote)) if code not in EXPONENTS}
    instant = at or utc_now()
    if base == quote:
        faults["quote"] = ["another currency than base"]
    if not EARLIEST <= instant < LATEST:
        faults["at"] = [f"a time between {EARLIEST.year} and {LATEST.year}"]
    read = Quoted(0, 0)
    try:
        read = read_rate(rate)
    except ValueError as error:
        faults["rate"] = [str(error)]
    if faults:
        raise Invalid(faults)
    with tenant_scope(book_id), transaction():
        row = Rate(
            book_id=book_id,
            base=base,
            quote=quote,
            mantissa=read.mantissa,
            scale=read.scale,
            at=instant,
            source=source,
        )
        if Rate.objects.filter(base=base, quote=quote, at=instant).exists():
            raise RateExists
        try:
            with savepoint():
                row.save(force_insert=True)
        except IntegrityError:
            if Rate.objects.filter(base=base, quote=quote, at=instant).exists():
                raise RateExists from None
            raise
        after = {"pair": str(row), "rate": read.text, "at": instant.isoformat(), "source": source}
        record(action="ledger.rate_added", object_type="ledger_rate", object_id=row.pk, org_id=book_id, after=after)
        return rate_view(row)


def rate_at(*, book_id: UUID, base: str, quote: str, at: datetime) -> Rate:
    """The one in force at that instant. One query. Raises RateMissing."""
    with tenant_scope(book_id):
        found = Rate.objects.filter(base=base, quote=quote, at__lte=at).order_by("-at").first()
    if found is None:
        raise RateMissing(details={"pair": f"{base}/{quote}"})
    return found


def exchange(
    *,
    book_id: UUID,
    source_id: UUID,
    target_id: UUID,
    amount: Money,
    key: str,
    effective_at: datetime | None = None,
    description: str = "",
) -> EntryView:
    """Give `amount` from one account and take what it is worth on another, in its currency, at the rate in force then;
    half a smallest unit goes to the even one. One entry over the FX accounts of both currencies, which names the rate.

    `key` is the request's Idempotency-Key: again it answers the first entry, at the first rate. Raises Invalid,
    UnknownAccount, CurrencyMismatch, RateMissing, KeyReused, and what `post_entry` raises; audited."""
    with tenant_scope(book_id), transaction():
        currencies = dict(Account.objects.filter(pk__in=[source_id, target_id]).values_list("pk", "currency"))
        if len(currencies) < len({source_id, target_id}):
            raise UnknownAccount
        if currencies[source_id] != amount.currency:
            raise CurrencyMismatch
        if currencies[source_id] == currencies[target_id]:
            raise Invalid({"to_account_id": ["an account in another currency"]})
        first = Entry.objects.filter(key=api_key(key)).first()
        if first is not None:
            return _repeated(first, source_id, target_id, amount)
        pause_point("ledger.exchange_looked")
        at = effective_at or utc_now()
        rate = rate_at(book_id=book_id, base=amount.currency, quote=currencies[target_id], at=at)
        taken = _worth(amount, rate)
        given_fx = system_account(book_id=book_id, role="fx", currency=amount.currency)
        taken_fx = system_account(book_id=book_id, role="fx", currency=taken.currency)
        draft = Draft(
            book_id=book_id,
            kind=EXCHANGE,
            key=api_key(key),
            effective_at=effective_at,
            lines=(
                debit(given_fx, amount.minor, amount.currency),
                credit(source_id, amount.minor, amount.currency),
                debit(target_id, taken.minor, taken.currency),
                credit(taken_fx, taken.minor, taken.currency),
            ),
            description=description,
            reference_type="rate",
            reference_id=str(rate.pk),
        )
        try:
            posted = post_entry(draft=draft)
        except KeyReused:  # somebody posted under it since we looked
            return _repeated(Entry.objects.get(key=api_key(key)), source_id, target_id, amount)
        if not posted.is_new:
            return entry_view(posted.entry_id)
        after = {"gave": amount.amount, "took": taken.amount, "pair": str(rate), "rate": str(rate.pk)}
        record(
            action="ledger.exchanged",
            object_type="ledger_entry",
            object_id=posted.entry_id,
            org_id=book_id,
            after=after,
        )
        return entry_view(posted.entry_id)


def _worth(amount: Money, rate: Rate) -> Money:
    if not 0 < amount.minor <= MAX_MINOR:
        raise Invalid({"amount": ["more than 0, at most 10^15 minor units"]})
    try:
        taken = converted(amount, rate.quote, Quoted(rate.mantissa, rate.scale))
    except MoneyError as error:
        raise Invalid({"amount": [str(error)]}) from None
    if not 0 < taken.minor <= MAX_MINOR:
        raise Invalid({"amount": [f"it is {taken.amount} {taken.currency}: nothing that can be posted"]})
    return taken


def _repeated(first: Entry, source_id: UUID, target_id: UUID, amount: Money) -> EntryView:
    """What was asked first, whatever the rate is by now. Raises KeyReused for something else."""
    lines = {(line.account_id, line.side): line for line in Line.objects.filter(entry_id=first.pk)}
    given = lines.get((source_id, -1))
    if first.kind != EXCHANGE or given is None or given.amount_minor != amount.minor or (target_id, 1) not in lines:
        raise KeyReused
    return entry_view(first.pk)

"""Anything in any order, beside a model in plain Python; after each step everything that must hold is asked.

Quick in the suite; `make soak-ledger` runs the long profile."""

from collections import Counter, defaultdict
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from stoa.apps.ledger import errors
from stoa.apps.ledger.contracts import Draft, Line, Side
from stoa.apps.ledger.domain import digest_of
from stoa.apps.ledger.models import Balance, Entry, Hold, Period
from stoa.apps.ledger.models import Line as LineRow
from stoa.apps.ledger.queries import trial_balance
from stoa.apps.ledger.services.books import system_account
from stoa.apps.ledger.services.checkpoints import make_checkpoints
from stoa.apps.ledger.services.holds import expire_holds, hold_funds, post_hold, void_hold
from stoa.apps.ledger.services.periods import add_period, close_period, reopen_period
from stoa.apps.ledger.services.posting import post_entries, post_entry, reverse_entry
from stoa.apps.ledger.services.reporting import balance_sheet
from stoa.apps.ledger.services.sealing import seal_entries
from stoa.apps.ledger.services.verifying import verify_books
from stoa.apps.ledger.tests.factories import AT, Books
from stoa.kit.clock import utc_now
from stoa.kit.errors import DomainError
from stoa.kit.ids import new_id
from stoa.platform.db.tenant import tenant_scope
from stoa.platform.db.transactions import transaction
from stoa.platform.outbox.models import OutboxEvent

QUICK = settings(max_examples=12, stateful_step_count=15, suppress_health_check=list(HealthCheck))
LONG = settings.get_current_profile_name() == "long"
amounts = st.integers(1, 500)
places = st.integers(0, 4)
picks = st.integers(0, 10**6)


class Accounting(RuleBasedStateMachine):
    """Five accounts: two free ones, two purses that cannot fall below zero, one in euros with its other side."""

    def __init__(self) -> None:
        super().__init__()
        self.books = books = Books()
        purses = [books.account(f"P{number}", floor=0, kind="liability") for number in range(2)]
        self.accounts = [books["cash"], books["equity"], *purses]
        self.euros = [system_account(book_id=books.id, role=role, currency="EUR") for role in ("cash", "equity")]
        self.signed: dict[UUID, int] = defaultdict(int)
        """Debits less credits."""
        self.entries: dict[str, tuple[Draft, UUID]] = {}
        self.reversed: Counter[UUID] = Counter()
        self.holds: dict[UUID, tuple[UUID, int]] = {}
        self.period = add_period(book_id=books.id, name="P", starts_at=AT, ends_at=AT + timedelta(days=10)).id
        self.closed = False
        self.events = OutboxEvent.objects.filter(name="ledger.entry_posted").count()

    def attempt(self, act: Any) -> Any:
        """What it gives, or the refusal; a refused act leaves nothing."""
        try:
            with transaction():
                return act()
        except DomainError as refused:
            return refused

    def available(self, account: UUID) -> int:
        """Of a purse, which grows by credits."""
        held = sum(amount for where, amount in self.holds.values() if where == account)
        return -self.signed[account] - held

    def overdraws(self, lines: tuple[Line, ...]) -> bool:
        moved: Counter[UUID] = Counter()
        for line in lines:
            moved[line.account_id] += line.side * line.amount_minor
        return any(self.available(purse) < moved[purse] for purse in self.accounts[2:] if moved[purse] > 0)

    def learn(self, draft: Draft, entry_id: UUID) -> None:
        self.entries[draft.key] = (draft, entry_id)
        for line in draft.lines:
            self.signed[line.account_id] += line.side * line.amount_minor

    def draft(self, to: int, source: int, amount: int, day: int) -> Draft:
        lines = self.books.between(self.accounts[to % 4], self.accounts[source % 4], amount)
        return self.books.draft(lines, at=AT + timedelta(days=day))

    @rule(to=places, source=places, amount=amounts, day=st.integers(-5, 20))
    def post(self, to: int, source: int, amount: int, day: int) -> None:
        draft = self.draft(to, source, amount, day)
        result = self.attempt(lambda: post_entry(draft=draft))
        refusals: list[type[DomainError]] = []
        if self.closed and 0 <= day < 10:
            refusals.append(errors.PeriodLocked)
        if self.overdraws(draft.lines):
            refusals.append(errors.InsufficientFunds)
        if refusals:
            assert isinstance(result, tuple(refusals)), (result, refusals)
        else:
            assert result.is_new
            self.learn(draft, result.entry_id)

    @rule(amount=amounts, flip=st.booleans())
    def post_euros(self, amount: int, flip: bool) -> None:
        to, source = self.euros[::-1] if flip else self.euros
        lines = (Line(to, Side.DEBIT, amount, "EUR"), Line(source, Side.CREDIT, amount, "EUR"))
        draft = self.books.draft(lines, at=AT + timedelta(days=30))
        self.learn(draft, self.attempt(lambda: post_entry(draft=draft)).entry_id)

    @precondition(lambda self: self.entries)
    @rule(pick=picks, change=st.booleans())
    def post_again(self, pick: int, change: bool) -> None:
        draft, entry_id = list(self.entries.values())[pick % len(self.entries)]
        if draft.reverses_id is not None:
            return
        if change:
            lines = tuple(Line(x.account_id, x.side, x.amount_minor + 1, x.currency, x.memo) for x in draft.lines)
            other = replace(draft, lines=lines)
            assert isinstance(self.attempt(lambda: post_entry(draft=other)), errors.KeyReused)
        else:
            again = self.attempt(lambda: post_entry(draft=draft))
            assert (again.entry_id, again.is_new) == (entry_id, False)

    @rule(count=st.integers(1, 4), amount=amounts, spoil=st.booleans())
    def post_batch(self, count: int, amount: int, spoil: bool) -> None:
        drafts = [self.draft(0, 1, amount + number, 15) for number in range(count)]
        drafts += [self.draft(2, 0, 10**6, 15)] if spoil else []  # a purse cannot give so much
        result = self.attempt(lambda: post_entries(drafts=drafts))
        if spoil:
            assert isinstance(result, errors.InsufficientFunds)
            return
        for draft, posted in zip(drafts, result, strict=True):
            self.learn(draft, posted.entry_id)

    @precondition(lambda self: self.entries)
    @rule(pick=picks)
    def reverse(self, pick: int) -> None:
        draft, entry_id = list(self.entries.values())[pick % len(self.entries)]
        lines = tuple(Line(x.account_id, x.side.other, x.amount_minor, x.currency) for x in draft.lines)
        key = new_id()
        result = self.attempt(lambda: reverse_entry(book_id=self.books.id, entry_id=entry_id, key=key))
        refusals: list[type[DomainError]] = []
        if draft.reverses_id is not None:
            refusals.append(errors.ReversalOfReversal)
        if self.reversed[entry_id]:
            refusals.append(errors.AlreadyReversed)
        if self.closed and AT <= (draft.effective_at or AT) < AT + timedelta(days=10):
            refusals.append(errors.PeriodLocked)
        if self.overdraws(lines):
            refusals.append(errors.InsufficientFunds)
        if refusals:
            assert isinstance(result, tuple(refusals)), (result, refusals)
            return
        self.reversed[entry_id] += 1
        mirrored = Draft(self.books.id, draft.kind, key, draft.effective_at, lines, reverses_id=entry_id)
        self.learn(mirrored, result.entry_id)

    @rule(purse=st.integers(2, 3), amount=amounts)
    def hold(self, purse: int, amount: int) -> None:
        account, until = self.accounts[purse], utc_now() + timedelta(hours=1)
        result = self.attempt(
            lambda: hold_funds(
                book_id=self.books.id, account_id=account, amount_minor=amount, key=new_id(), expires_at=until
            )
        )
        if amount > self.available(account):
            assert isinstance(result, errors.InsufficientFunds)
        else:
            self.holds[result.id] = (account, amount)

    @precondition(lambda self: self.holds)
    @rule(pick=picks, part=amounts)
    def spend_hold(self, pick: int, part: int) -> None:
        hold_id, (account, amount) = list(self.holds.items())[pick % len(self.holds)]
        lines = self.books.between(account, self.accounts[0], min(part, amount))
        draft = self.books.draft(lines, at=AT + timedelta(days=15))
        posted = self.attempt(lambda: post_hold(book_id=self.books.id, hold_id=hold_id, draft=draft))
        del self.holds[hold_id]
        self.learn(draft, posted.entry_id)
        again = self.attempt(lambda: void_hold(book_id=self.books.id, hold_id=hold_id))
        assert isinstance(again, errors.HoldResolved)

    @precondition(lambda self: self.holds)
    @rule(pick=picks)
    def free_hold(self, pick: int) -> None:
        hold_id = list(self.holds)[pick % len(self.holds)]
        assert self.attempt(lambda: void_hold(book_id=self.books.id, hold_id=hold_id)).state == "voided"
        del self.holds[hold_id]

    @rule()
    def expire(self) -> None:
        assert expire_holds() == 0  # all of them have an hour

    @rule()
    def turn_period(self) -> None:
        if self.closed:
            reopen_period(book_id=self.books.id, period_id=self.period, reason="Once more.")
        else:
            close_period(book_id=self.books.id, period_id=self.period)
        self.closed = not self.closed

    @rule()
    def seal(self) -> None:
        seal_entries()

    @rule()
    def count(self) -> None:
        make_checkpoints(limit=10, many=1)

    @invariant()
    def balances_are_the_models(self) -> None:
        with tenant_scope(self.books.id):
            cached = {x.pk: x.debit_minor - x.credit_minor for x in Balance.objects.all()}
            summed: Counter[UUID] = Counter()
            per_currency: Counter[str] = Counter()
            for line in LineRow.objects.all():
                summed[line.account_id] += line.side * line.amount_minor
                per_currency[line.currency] += line.side * line.amount_minor
        assert {k: v for k, v in cached.items() if v} == {k: v for k, v in self.signed.items() if v}  # the model
        assert {k: v for k, v in cached.items() if v} == {k: v for k, v in summed.items() if v}  # cached = summed
        assert not any(per_currency.values())  # sum zero

    @invariant()
    def holds_are_the_models(self) -> None:
        held: Counter[UUID] = Counter()
        for account, amount in self.holds.values():
            held[account] += amount
        with tenant_scope(self.books.id):
            assert {x.pk: x.held_minor for x in Balance.objects.exclude(held_minor=0)} == dict(held)
            assert all(x.available_minor >= 0 for x in Balance.objects.filter(floor_minor=0))  # at its limit or above
            assert set(Hold.objects.filter(state="pending").values_list("pk", flat=True)) == set(self.holds)

    @invariant()
    def entries_are_the_models(self) -> None:
        with tenant_scope(self.books.id):
            entries = {x.key: x for x in Entry.objects.all()}
        assert {key: x.pk for key, x in entries.items()} == {key: found for key, (_, found) in self.entries.items()}
        assert all(count == 1 for count in self.reversed.values())  # reversed at most once
        taken = Counter(x.reverses_id for x in entries.values() if x.reverses_id is not None)
        assert taken == self.reversed
        for key, (draft, _) in self.entries.items():
            if draft.reverses_id is None:
                assert bytes(entries[key].digest) == digest_of(draft)
        told = OutboxEvent.objects.filter(name="ledger.entry_posted").count() - self.events
        assert told == len(entries)  # one event an entry

    @invariant()
    def reports_tie(self) -> None:
        now = trial_balance(book_id=self.books.id)
        assert all(total.debits == total.credits for total in now.totals)
        later = trial_balance(book_id=self.books.id, effective_to=AT + timedelta(days=3650))
        assert (later.rows, later.totals) == (now.rows, now.totals)  # as of now = now
        then = AT + timedelta(days=7)
        as_of = {
            row.account_id: row.balance.minor for row in trial_balance(book_id=self.books.id, effective_to=then).rows
        }
        lines = trial_balance(book_id=self.books.id, effective_to=then, recorded_to=AT + timedelta(days=3650)).rows
        assert as_of == {row.account_id: row.balance.minor for row in lines}  # by checkpoints = by lines
        assert all(not each.minor for each in balance_sheet(book_id=self.books.id).difference)

    @invariant()
    def everything_holds(self) -> None:
        assert verify_books(book_id=self.books.id).faults == ()  # the chain, closed periods and all the rest
        with tenant_scope(self.books.id):
            assert Period.objects.get(pk=self.period).is_closed == self.closed


@pytest.mark.django_db
def test_the_books_hold_whatever_happens() -> None:
    run_state_machine_as_test(Accounting, settings=settings(suppress_health_check=list(HealthCheck)) if LONG else QUICK)

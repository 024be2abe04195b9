"""The statement of a posting: value by value or in arrays, what is posted is the same."""

import pytest
from django.db import connection

from stoa.apps.ledger.contracts import Draft, credit, debit
from stoa.apps.ledger.domain import digest_of
from stoa.apps.ledger.models import Entry
from stoa.apps.ledger.services.post_call import call_of
from stoa.apps.ledger.services.posting import lines_of, post_entries, post_entry
from stoa.apps.ledger.tests.factories import AT, Books
from stoa.kit.ids import new_id, new_uuid
from stoa.platform.db.rows import fetch_rows
from stoa.platform.db.tenant import tenant_scope


def of_lines(books: Books, count: int) -> Draft:
    """`count` lines: one debit of all and small credits, each with a memo of its own; the first is large."""
    parts = [10**12, *range(1, count - 1)]
    parted = [credit(books["sales_revenue"], minor, "USD", f"{{part, {minor}}}") for minor in parts]
    return Draft(
        book_id=books.id,
        kind="manual",
        key=new_id(),
        effective_at=AT,
        lines=(debit(books["cash"], sum(parts), "USD", "it's \\ all ☕"), *parted),
        description='said "so"',
        reference_type="order",
        reference_id="o-1",
    )


@pytest.mark.parametrize("count", [2, 3, 5, 6, 40])
def test_an_entry_of_any_length_is_posted_as_it_was_drafted(db: None, count: int, django_assert_num_queries) -> None:
    books = Books()
    draft = of_lines(books, count)
    if connection.vendor == "postgresql":
        with django_assert_num_queries(1):
            posted = post_entry(draft=draft)
    else:
        posted = post_entry(draft=draft)
    assert posted.is_new
    assert lines_of(entry_id=posted.entry_id) == list(draft.lines)
    with tenant_scope(books.id):
        entry = Entry.objects.get(pk=posted.entry_id)
    assert (entry.key, entry.kind, entry.effective_at, entry.line_count) == (draft.key, "manual", AT, count)
    assert (entry.description, entry.reference_type, entry.reference_id) == ('said "so"', "order", "o-1")
    assert bytes(entry.digest) == digest_of(draft)
    again = post_entry(draft=draft)
    assert (again.entry_id, again.recorded_at, again.is_new) == (posted.entry_id, posted.recorded_at, False)


def test_a_batch_keeps_each_entrys_own_lines(db: None) -> None:
    books = Books()
    drafts = [of_lines(books, count) for count in (2, 7, 3)]
    posted = post_entries(drafts=drafts)
    assert [lines_of(entry_id=each.entry_id) for each in posted] == [list(draft.lines) for draft in drafts]


@pytest.mark.postgres
def test_amounts_of_any_size_are_one_statement_to_the_server(db: None) -> None:
    books = Books()
    drafts = [
        books.draft(books.between(books["cash"], books["sales_revenue"], minor))
        for minor in (1, 200, 40_000, 3 * 10**9, 10**15)
    ]
    for draft in drafts:
        post_entry(draft=draft)
    text, _ = call_of(drafts=drafts[:1], digests=[b"0" * 32], ids=[new_uuid()])
    kept = fetch_rows("SELECT statement FROM pg_prepared_statements WHERE statement LIKE %s", ["%ledger_post_v1%"])
    assert len(kept) == 1
    assert text.count("%s") == kept[0][0].count("$") == 28

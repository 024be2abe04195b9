"""Columns that hold ciphertext: written with their row, read on an instance, and closed to everything else."""

import sqlite3
import subprocess
from collections.abc import Iterator

import orjson
import pytest
from django.core import serializers
from django.db import connection
from django.db.models import F, Value
from django.forms import modelform_factory

from stoa.kit.ids import new_uuid
from stoa.platform.db.encrypted_fields import Ciphertext, EncryptedText, NotComparable, NotFromAnInstance
from stoa.platform.db.transactions import transaction
from stoa.platform.testing.databases import on_postgres, url_of_test_database
from stoa.runtime.field_encryption import Undecryptable
from tests.probe.models import Secretive

WORDS = "an owl at noon"
FACTS = {"date": "1990-02-03", "place": {"lat": 41.71631985, "tags": ["a", None, True]}}


@pytest.fixture
def row(db: None) -> Secretive:
    return Secretive.objects.create(title="t", whisper=WORDS, facts=FACTS)


def stored(row: Secretive) -> tuple[str, str]:
    with connection.cursor() as cursor:
        key = Secretive._meta.pk.get_db_prep_value(row.pk, connection)
        cursor.execute("SELECT whisper, facts FROM probe_secretive WHERE id = %s", [key])
        found: tuple[str, str] = cursor.fetchone()
    return found


def test_an_instance_reads_what_it_wrote_and_the_table_holds_neither(row: Secretive) -> None:
    again = Secretive.objects.get(pk=row.pk)
    assert (again.whisper, again.facts) == (WORDS, FACTS)
    whisper, facts = stored(row)
    assert whisper.startswith("derived.")
    assert "owl" not in whisper
    assert "1990" not in facts


def test_saving_encrypts_anew_and_mutation_in_place_is_kept(row: Secretive) -> None:
    before = stored(row)
    again = Secretive.objects.get(pk=row.pk)
    again.facts["place"]["lat"] = 0
    again.save()
    assert Secretive.objects.get(pk=row.pk).facts["place"]["lat"] == 0
    assert Secretive.objects.get(pk=row.pk).whisper == WORDS
    assert not set(before) & set(stored(row))


def test_deferred_refreshed_and_null(row: Secretive) -> None:
    deferred = Secretive.objects.defer("whisper").get(pk=row.pk)
    assert deferred.whisper == WORDS
    deferred.whisper = "changed"
    deferred.refresh_from_db()
    assert deferred.whisper == WORDS
    deferred.whisper, deferred.facts = None, ""
    deferred.save(update_fields=["whisper", "facts"])
    again = Secretive.objects.get(pk=row.pk)
    assert (again.whisper, again.facts) == (None, "")
    assert Secretive.objects.filter(whisper__isnull=True, facts__isnull=False).count() == 1


def test_bulk_create_binds_each_to_its_row(db: None) -> None:
    made = Secretive.objects.bulk_create(Secretive(title=str(n), whisper=f"owl {n}") for n in range(3))
    assert [Secretive.objects.get(pk=each.pk).whisper for each in made] == ["owl 0", "owl 1", "owl 2"]


def test_update_or_create_goes_through_an_instance(row: Secretive) -> None:
    Secretive.objects.update_or_create(pk=row.pk, defaults={"whisper": "later"})
    assert Secretive.objects.get(pk=row.pk).whisper == "later"


def test_writes_without_an_instance_are_refused_and_clearing_is_not(row: Secretive) -> None:
    before, mine = stored(row), Secretive.objects.filter(pk=row.pk)
    for value in ("clear text", F("title"), Value("clear text")):
        with pytest.raises(NotFromAnInstance), transaction():
            mine.update(whisper=value)
    row.whisper = "clear text"
    with pytest.raises(NotFromAnInstance), transaction():
        Secretive.objects.bulk_update([row], ["whisper"])
    row.whisper = F("title")
    with pytest.raises(TypeError), transaction():
        row.save()
    assert stored(row) == before
    assert mine.update(whisper=None) == 1
    assert Secretive.objects.get(pk=row.pk).whisper is None


def test_a_copy_under_another_id_is_refused(row: Secretive) -> None:
    copy = Secretive.objects.get(pk=row.pk)
    copy.pk = new_uuid()
    with pytest.raises(Undecryptable), transaction():
        copy.save(force_insert=True)
    assert Secretive.objects.count() == 1


@pytest.mark.parametrize("lookup", ["exact", "in", "contains", "startswith", "gt", "regex", "length"])
def test_nothing_can_be_looked_up_by_it(lookup: str, db: None) -> None:
    with pytest.raises(NotComparable):
        Secretive.objects.filter(**{f"whisper__{lookup}": WORDS})
    with pytest.raises(NotComparable):
        EncryptedText(unique=True)


def test_rows_without_instances_give_ciphertext(row: Secretive) -> None:
    (found,) = Secretive.objects.values_list("whisper", flat=True)
    assert isinstance(found, Ciphertext)
    assert (repr(found), str(found), f"{found}") == ("<encrypted>",) * 3
    with pytest.raises(TypeError):
        orjson.dumps(found)
    assert EncryptedText.opened(Secretive._meta.get_field("whisper"), found, row.pk) == WORDS


def test_it_shows_in_no_text_form_or_fixture(row: Secretive) -> None:
    again = Secretive.objects.get(pk=row.pk)
    assert "owl" not in f"{again} {again!r} {Secretive.objects.filter(pk=row.pk).values()}"
    assert again.whisper == WORDS
    assert "owl" not in f"{again} {again!r}"
    assert list(modelform_factory(Secretive, exclude=()).base_fields) == ["id", "title"]
    assert "owl" not in serializers.serialize("json", [again])


def test_its_migration_is_stable() -> None:
    field = Secretive._meta.get_field("whisper")
    _, path, args, kwargs = field.deconstruct()
    assert (path, args, kwargs) == ("stoa.platform.db.encrypted_fields.EncryptedText", [], {"null": True})


@pytest.fixture
def committed_row(committed_db: None) -> Iterator[Secretive]:
    row = Secretive.objects.create(title="plainly seen", whisper=WORDS, facts=FACTS)
    yield row
    row.delete()


def dump() -> str:
    """The whole database as an operator would copy it."""
    if on_postgres():
        made = subprocess.run(
            ["pg_dump", url_of_test_database()], capture_output=True, text=True, check=True, timeout=60
        )
        return made.stdout
    database = sqlite3.connect(connection.settings_dict["NAME"])
    try:
        return "\n".join(database.iterdump())
    finally:
        database.close()


def test_a_dump_tells_nothing(committed_row: Secretive) -> None:
    text = dump()
    assert "plainly seen" in text
    assert stored(committed_row)[0] in text
    for secret in ("owl at noon", "1990-02-03", "41.71631985"):
        assert secret not in text

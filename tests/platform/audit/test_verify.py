"""Ten thousand sealed rows and one fault at a time: each is found and named, and undone again."""

import random
from collections.abc import Callable
from contextlib import suppress
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from pydantic import SecretStr

from stoa.platform.audit import chain
from stoa.platform.audit.chain import ROW_FIELDS
from stoa.platform.audit.sealing import seal_pending
from stoa.platform.audit.verifying import verify
from stoa.platform.db.transactions import transaction
from stoa.runtime.config.current import settings
from tests.platform.audit.trail import as_owner, run, value, write

ROWS = 10_000
COLUMNS = ("action", "actor_id", "object_type", "object_id", "org_id", "severity", "request_id", "digest", "at")


def _record(seq: int) -> object:
    return value("SELECT record_id FROM audit_seal WHERE seq = %s", seq)


def _changed(seq: int, dice: random.Random) -> str:
    column, number = dice.choice(COLUMNS), _record(seq)
    if column == "at":
        other = value("SELECT max(at) FROM audit_record")
        run("UPDATE audit_record SET at = %s WHERE id = %s", "2001-01-01 00:00:00+00:00" if other else None, number)
    else:
        run(f"UPDATE audit_record SET {column} = 'x' || substr({column}, 2) WHERE id = %s", number)
    return f"row {seq} (record {number}) was changed"


def _removed(seq: int, dice: random.Random) -> str:
    number = _record(seq)
    run("DELETE FROM audit_record WHERE id = %s", number)
    run("DELETE FROM audit_detail WHERE record_id = %s", number)
    if dice.random() < 0.5:
        return f"row {seq} (record {number}) was removed"
    run("DELETE FROM audit_seal WHERE seq = %s", seq)
    return f"row {seq} was removed"


def _inserted(seq: int, dice: random.Random) -> str:
    """A copy of another row: in the chain with a seal of its own, or beside it with none."""
    copied = ", ".join(name for name in ROW_FIELDS if name != "id")
    number = int(str(value("SELECT max(id) FROM audit_record"))) + 1
    run(
        f"INSERT INTO audit_record (id, {copied}) SELECT %s, {copied} FROM audit_record WHERE id = %s",
        number,
        _record(seq),
    )
    if dice.random() < 0.5:
        return f"record {number} was inserted"
    run("UPDATE audit_seal SET seq = -seq - 1 WHERE seq >= %s", seq)
    run("UPDATE audit_seal SET seq = -seq WHERE seq < 0")
    run("UPDATE audit_segment SET last_seq = last_seq + 1 WHERE last_seq >= %s AND first_seq <= %s", seq, seq)
    run("UPDATE audit_segment SET first_seq = -first_seq - 1, last_seq = -last_seq - 1 WHERE first_seq > %s", seq)
    run("UPDATE audit_segment SET first_seq = -first_seq, last_seq = -last_seq WHERE first_seq < 0")
    mac = value("SELECT mac FROM audit_seal WHERE seq = %s", seq + 1)
    run("INSERT INTO audit_seal (seq, record_id, mac) VALUES (%s, %s, %s)", seq, number, mac)
    return f"row {seq} (record {number}) was changed, inserted or moved"


def _moved(seq: int, dice: random.Random) -> str:
    """Two rows change places, with their macs or without."""
    other = seq + dice.randint(1, ROWS - seq) if seq < ROWS else seq - 1
    first, last = sorted((seq, other))
    if dice.random() < 0.5:
        run("UPDATE audit_seal SET seq = 0 WHERE seq = %s", first)
        run("UPDATE audit_seal SET seq = %s WHERE seq = %s", first, last)
        run("UPDATE audit_seal SET seq = %s WHERE seq = 0", last)
    else:
        one, two = _record(first), _record(last)
        run("UPDATE audit_seal SET record_id = 0 WHERE seq = %s", first)
        run("UPDATE audit_seal SET record_id = %s WHERE seq = %s", one, last)
        run("UPDATE audit_seal SET record_id = %s WHERE seq = %s", two, first)
    return f"row {first} (record {_record(first)}) was changed, inserted or moved"


def _detail_changed(seq: int, dice: random.Random) -> str:
    number = _record(seq)
    run("UPDATE audit_detail SET payload = payload || ' ' WHERE record_id = %s", number)
    return f"row {seq} (record {number}): its detail was changed"


def _detail_removed(seq: int, dice: random.Random) -> str:
    number = _record(seq)
    run("DELETE FROM audit_detail WHERE record_id = %s", number)
    return f"row {seq} (record {number}): its detail was removed, and no erasure says so"


def _mac_changed(seq: int, dice: random.Random) -> str:
    run("UPDATE audit_seal SET mac = %s WHERE seq = %s", f"{dice.getrandbits(256):064x}", seq)
    return f"row {seq} (record {_record(seq)}) was changed"


def _segment_removed(seq: int, dice: random.Random) -> str:
    first = value("SELECT first_seq FROM audit_segment WHERE first_seq <= %s AND last_seq >= %s", seq, seq)
    run("DELETE FROM audit_segment WHERE first_seq = %s", first)
    return f"row {first} "


FAULTS: tuple[Callable[[int, random.Random], str], ...] = (
    _changed,
    _removed,
    _inserted,
    _moved,
    _detail_changed,
    _detail_removed,
    _mac_changed,
    _segment_removed,
)


class Undo(Exception):
    """Rolls one fault back."""


@pytest.fixture
def head(tmp_path: Path) -> Path:
    return tmp_path / "head.json"


def test_any_single_fault_in_ten_thousand_rows_is_named(db: None, head: Path) -> None:
    write(ROWS)
    assert seal_pending(path=head) == ROWS
    assert verify(path=head).rows == ROWS
    seed = random.randrange(10**9)
    dice = random.Random(seed)
    with as_owner():
        for fault in FAULTS:
            for seq in (dice.randint(2, ROWS - 1), dice.choice((1, ROWS))):
                with suppress(Undo), transaction():
                    expected = fault(seq, dice)
                    found = verify(path=head).fault
                    assert found.startswith(expected), f"seed {seed}: {fault.__name__} at {seq} gave {found!r}"
                    raise Undo
    report = verify(path=head)
    assert (report.rows, report.fault) == (ROWS, "")


@pytest.mark.parametrize("rows", [1, 30])
def test_an_end_that_was_cut_off_is_noticed_by_the_head_file(db: None, head: Path, rows: int) -> None:
    """Every trace of the last rows is gone, so that the chain alone would look whole."""
    write(30)
    seal_pending(path=head)
    with as_owner():
        number = value("SELECT record_id FROM audit_seal WHERE seq = %s", 31 - rows)
        run("DELETE FROM audit_detail WHERE record_id >= %s", number)
        run("DELETE FROM audit_record WHERE id >= %s", number)
        run("DELETE FROM audit_seal WHERE seq > %s", 30 - rows)
        if rows == 30:
            run("DELETE FROM audit_segment")
        else:
            mac = value("SELECT mac FROM audit_seal WHERE seq = %s", 30 - rows)
            run("UPDATE audit_segment SET last_seq = %s, mac = %s", 30 - rows, mac)
    cut = f"row {31 - rows} was removed: the trail ends at row {30 - rows}, its head file says 30"
    assert verify(path=head).fault == cut
    head.unlink()
    assert verify(path=head).fault == ""  # the head is what noticed


def test_a_beginning_that_retention_did_not_delete_is_missed(db: None, head: Path) -> None:
    write(4)
    seal_pending(path=head)
    with as_owner():
        run("DELETE FROM audit_detail WHERE record_id = %s", number := _record(1))
        run("DELETE FROM audit_record WHERE id = %s", number)
        run("DELETE FROM audit_seal WHERE seq = 1")
        run("UPDATE audit_segment SET first_seq = 2")
        assert verify(path=head).fault == "row 1 lies in no segment: the next begins at row 2"
        run(
            "INSERT INTO audit_purge (to_seq, mac, key_id, purged_at, signature) "
            "SELECT 1, %s, key_id, sealed_at, %s FROM audit_segment",
            "0" * 64,
            "f" * 64,
        )
    assert verify(path=head).fault.startswith("rows up to 1 are gone, and not by retention")


def test_a_row_whose_place_in_the_queue_is_gone_is_named(db: None, head: Path) -> None:
    write(1)
    number = value("SELECT max(id) FROM audit_record")
    run("DELETE FROM audit_pending")
    assert verify(path=head).fault == f"record {number} was inserted: it is neither sealed nor waiting to be"


def test_the_key_decides(db: None, head: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another key finds fault; both keys named, the newer first, verify what either sealed."""

    def keyed(key: str) -> None:
        current = settings().model_copy(update={"audit_key": SecretStr(key)})
        monkeypatch.setattr(chain, "settings", lambda: current)

    keyed("the first key of this test")
    write(2)
    seal_pending(path=head)
    keyed("another")
    assert "it was not written under a key that AUDIT_KEY names" in verify(path=head).fault
    head_text = head.read_text()
    head.unlink()
    assert verify(path=head).fault == (
        "row 1 was sealed under another key: name it in AUDIT_KEY, behind the present one"
    )
    head.write_text(head_text)
    keyed("another, the first key of this test")
    write(1)
    seal_pending(path=head)
    report = verify(path=head)
    assert (report.rows, report.fault) == (3, "")


def test_the_command_ends_with_what_is_broken(db: None, monkeypatch: pytest.MonkeyPatch, head: Path) -> None:
    current = settings().model_copy(update={"audit_head_file": str(head)})
    monkeypatch.setattr("stoa.platform.audit.head.settings", lambda: current)
    write(3)
    seal_pending()
    out = StringIO()
    call_command("audit_verify", stdout=out)
    assert out.getvalue() == "3 sealed rows hold; 0 wait to be sealed\n"
    with as_owner():
        run("UPDATE audit_record SET actor_id = 'bob' WHERE id = %s", number := _record(2))
    with pytest.raises(CommandError, match=rf"BROKEN: row 2 \(record {number}\) was changed, inserted or moved"):
        call_command("audit_verify", stdout=out)

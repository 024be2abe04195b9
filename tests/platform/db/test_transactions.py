"""The one opener of transactions: joined ones share a fate, and nothing leaves the process inside."""

import threading

import pytest
from django.db import IntegrityError, connection

from stoa.kit.ids import new_uuid
from stoa.platform.db.transactions import (
    DoomedTransaction,
    OutsideCallInTransaction,
    OutsideTransaction,
    refuse_in_transaction,
    savepoint,
    transaction,
    transaction_depth,
)
from tests.probe.models import Note


class Fault(Exception):
    pass


def write(title: str) -> Note:
    return Note.objects.create(title=title, owner_id=new_uuid())


def test_the_guard_knows_a_business_transaction_from_the_one_around_a_test(db: None) -> None:
    assert connection.in_atomic_block
    refuse_in_transaction("an e-mail")
    with transaction(), pytest.raises(OutsideCallInTransaction, match="an e-mail inside a transaction"):
        refuse_in_transaction("an e-mail")
    refuse_in_transaction("an e-mail")


def test_depth_is_counted_and_given_back_whatever_happens(db: None) -> None:
    assert transaction_depth() == 0
    with pytest.raises(Fault), transaction():
        assert transaction_depth() == 1
        with transaction():
            assert transaction_depth() == 2
            raise Fault
    assert transaction_depth() == 0


def test_another_thread_has_a_depth_of_its_own(db: None) -> None:
    depths: list[int] = []
    with transaction():
        thread = threading.Thread(target=lambda: depths.append(transaction_depth()))
        thread.start()
        thread.join()
    assert depths == [0]


def test_a_failure_takes_everything_back(db: None) -> None:
    with pytest.raises(Fault), transaction():
        write("outer")
        with transaction():
            write("inner")
        raise Fault
    assert Note.objects.count() == 0


def test_a_joined_transaction_is_kept_with_the_whole(db: None) -> None:
    with transaction():
        write("outer")
        with transaction():
            write("inner")
    assert set(Note.objects.values_list("title", flat=True)) == {"outer", "inner"}


def test_a_swallowed_failure_of_a_joined_one_is_not_taken_for_success(db: None) -> None:
    def swallow() -> None:
        with transaction():
            write("outer")
            try:
                with transaction():
                    raise Fault
            except Fault:
                pass

    with pytest.raises(DoomedTransaction):
        swallow()
    assert Note.objects.count() == 0
    with transaction():
        write("after")
    assert Note.objects.count() == 1


def test_what_fails_in_a_savepoint_takes_back_itself_alone(db: None) -> None:
    owner = new_uuid()
    with transaction():
        Note.objects.create(title="kept", owner_id=owner)
        with pytest.raises(IntegrityError), savepoint(), transaction():
            Note.objects.create(title="lost", owner_id=owner)
            Note.objects.create(title="kept", owner_id=owner)
        Note.objects.create(title="kept too", owner_id=owner)
    assert set(Note.objects.filter(owner_id=owner).values_list("title", flat=True)) == {"kept", "kept too"}


def test_a_savepoint_belongs_into_a_transaction() -> None:
    with pytest.raises(OutsideTransaction), savepoint():
        pass

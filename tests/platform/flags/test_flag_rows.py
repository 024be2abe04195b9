"""A flag's row: what it changes, who notices, and what a process does without a database."""

import time
from collections.abc import Callable
from datetime import timedelta
from io import StringIO
from uuid import UUID

import httpx
import pytest
from django.core.management import call_command
from django.db import OperationalError, connection
from django.test.utils import CaptureQueriesContext

from stoa.apps.accounts.tests.factories import make_person
from stoa.kit.clock import utc_now
from stoa.kit.errors import Invalid, Missing
from stoa.kit.ids import new_id, new_uuid
from stoa.platform.db.transactions import transaction
from stoa.platform.flags.baseline import MENTOR_LLM, PAYMENTS
from stoa.platform.flags.declared import declare
from stoa.platform.flags.groups import _kept, _Ports
from stoa.platform.flags.models import FeatureFlag
from stoa.platform.flags.public import flags_of, is_on, is_on_for_anybody, register_groups
from stoa.platform.flags.rows import Snapshot, fingerprint
from stoa.platform.flags.rules import Rule, Subject
from stoa.platform.flags.services import Rollout, remove_flag, set_flag
from stoa.platform.flags.watch import Watch, replace_watch
from stoa.platform.testing.fixtures import Serve
from stoa.runtime import context

type Configure = Callable[..., None]
FLAGS = "/api/v1/config/flags"


def test_the_default_then_the_row_then_the_list_then_the_variable(rows: None, configure: Configure) -> None:
    assert (is_on(PAYMENTS), is_on(MENTOR_LLM)) == (True, False)
    set_flag(name="payments", rollout=Rollout(enabled=False))
    set_flag(name="mentor_llm", rollout=Rollout(enabled=True, percent=100))
    assert (is_on(PAYMENTS), is_on(MENTOR_LLM)) == (False, True)
    configure(feature_flags=("payments",))
    assert is_on(PAYMENTS)
    configure(features={"payments": False, "mentor_llm": False})
    assert (is_on(PAYMENTS), is_on(MENTOR_LLM)) == (False, False)
    assert not is_on_for_anybody(MENTOR_LLM)


def test_a_removed_row_leaves_the_default(rows: None) -> None:
    set_flag(name="payments", rollout=Rollout(enabled=False))
    assert (is_on(PAYMENTS), remove_flag(name="payments"), is_on(PAYMENTS)) == (False, True, True)
    assert remove_flag(name="payments") is False


def test_a_person_of_the_request_an_org_and_a_group(rows: None) -> None:
    user, org = new_uuid(), new_uuid()
    set_flag(name="mentor_llm", rollout=Rollout(enabled=True, users=[user], orgs=[org], groups=["testers"]))
    with context.scope(user_id=str(user)):
        assert is_on(MENTOR_LLM)
    with context.scope(user_id=new_id(), org_id=str(org)):
        assert is_on(MENTOR_LLM)
    with context.scope(user_id=new_id(), org_id=new_id()):
        assert not is_on(MENTOR_LLM)
    assert not is_on(MENTOR_LLM)
    assert is_on(MENTOR_LLM, Subject(groups=frozenset({"testers"})))
    assert is_on_for_anybody(MENTOR_LLM)


def test_groups_are_asked_once_for_a_person_and_only_where_a_rule_names_some(rows: None) -> None:
    asked: list[UUID] = []

    def groups_of(user_id: UUID) -> frozenset[str]:
        asked.append(user_id)
        return frozenset({"testers"})

    before = _Ports.groups_of
    register_groups(groups_of)
    try:
        user = new_uuid()
        with context.scope(user_id=str(user)):
            assert flags_of()["mentor_llm"] is False
            assert asked == []
            set_flag(name="mentor_llm", rollout=Rollout(enabled=True, groups=["testers"]))
            assert [is_on(MENTOR_LLM), is_on(MENTOR_LLM), flags_of()["mentor_llm"]] == [True, True, True]
        assert asked == [user]
    finally:
        _kept.clear()
        register_groups(before)


def test_no_query_in_the_asking_thread(rows: None) -> None:
    set_flag(name="mentor_llm", rollout=Rollout(enabled=True, percent=50))
    is_on(MENTOR_LLM)
    with CaptureQueriesContext(connection) as queries, context.scope(user_id=new_id()):
        for _ in range(100):
            is_on(MENTOR_LLM)
    assert len(queries) == 0


def test_a_flag_that_no_code_declares_cannot_be_set_nor_a_share_beyond_a_hundred(rows: None) -> None:
    with pytest.raises(Missing):
        set_flag(name="paymentz", rollout=Rollout(enabled=True))
    with pytest.raises(Invalid):
        set_flag(name="payments", rollout=Rollout(enabled=True, percent=101))
    assert FeatureFlag.objects.count() == 0


def test_every_write_moves_the_fingerprint_and_a_read_does_not(rows: None) -> None:
    seen = [fingerprint()]
    for percent in (1, 2, 2):
        set_flag(name="payments", rollout=Rollout(enabled=True, percent=percent))
        seen.append(fingerprint())
    FeatureFlag.objects.update(last_read_at=utc_now())
    assert len(set(seen)) == 4
    assert fingerprint() == seen[-1]


def test_one_value_since_moves_only_with_the_value(rows: None) -> None:
    def since() -> object:
        return FeatureFlag.objects.get(name="payments").at_one_value_since

    set_flag(name="payments", rollout=Rollout(enabled=True, percent=100))
    first = since()
    set_flag(name="payments", rollout=Rollout(enabled=None), owner="billing")
    assert since() == first is not None
    set_flag(name="payments", rollout=Rollout(enabled=True, percent=10))
    assert since() is None
    set_flag(name="payments", rollout=Rollout(enabled=False))
    assert since() not in {None, first}
    assert FeatureFlag.objects.get(name="payments").owner == "billing"


def test_a_change_that_is_rolled_back_is_no_change(rows: None) -> None:
    with pytest.raises(ZeroDivisionError), transaction():
        set_flag(name="payments", rollout=Rollout(enabled=False))
        raise ZeroDivisionError
    assert is_on(PAYMENTS)
    assert FeatureFlag.objects.filter(enabled=False).count() == 0


def test_without_the_database_the_last_known_values_go_on_and_come_back() -> None:
    away: list[bool] = [True]
    rule = {"payments": _off()}

    def read(known: Snapshot) -> Snapshot:
        if away[0]:
            raise OperationalError("away")
        return Snapshot(dict(rule), (1, len(rule)))

    own = Watch(read=read, keep=lambda names: None, look_every_s=0.02)
    previous = replace_watch(own)
    try:
        assert is_on(PAYMENTS), "nothing known yet: as declared"
        away[0] = False
        assert _until(lambda: not is_on(PAYMENTS))
        away[0] = True
        rule.clear()
        time.sleep(0.1)
        assert not is_on(PAYMENTS)
        away[0] = False
        assert _until(lambda: is_on(PAYMENTS))
    finally:
        own.stop()
        replace_watch(previous)


def test_a_database_that_hangs_is_waited_for_once() -> None:
    def read(known: Snapshot) -> Snapshot:
        time.sleep(1.2)
        return known

    own = Watch(read=read, keep=lambda names: None)
    previous = replace_watch(own)
    try:
        started = time.monotonic()
        assert is_on(PAYMENTS)
        first = time.monotonic() - started
        started = time.monotonic()
        assert [is_on(PAYMENTS) for _ in range(100)] == [True] * 100
        assert 0.4 < first < 1.0
        assert time.monotonic() - started < 0.1
    finally:
        own.stop()
        replace_watch(previous)


def test_the_thread_rests_while_nobody_asks_and_the_next_question_is_not_stale() -> None:
    looks = [0]

    def read(known: Snapshot) -> Snapshot:
        looks[0] += 1
        return Snapshot({"payments": _off()} if looks[0] > 20 else {}, (1, looks[0]))

    own = Watch(read=read, keep=lambda names: None, look_every_s=0.005)
    previous = replace_watch(own)
    try:
        assert is_on(PAYMENTS)
        assert _until(lambda: not own.fresh)
        rested_at = looks[0]
        time.sleep(0.1)
        assert looks[0] == rested_at < 20
        looks[0] = 20
        assert not is_on(PAYMENTS)
    finally:
        own.stop()
        replace_watch(previous)


def test_another_process_sees_a_change_within_two_seconds(rows: None, serve: Serve) -> None:
    person = make_person("Asker")
    with serve().client(headers=person.bearer) as caller:
        assert _asked(caller)["payments"] is True
        for value in (False, True):
            set_flag(name="payments", rollout=Rollout(enabled=value, percent=100))
            changed = time.monotonic()
            while _asked(caller)["payments"] is not value:
                assert time.monotonic() - changed < 2.0
                time.sleep(0.02)


def test_when_a_flag_was_read_is_kept_and_a_row_made_for_it(rows: None, own_watch: Watch) -> None:
    set_flag(name="payments", rollout=Rollout(enabled=False))
    is_on(PAYMENTS)
    is_on(MENTOR_LLM)
    own_watch.stop()
    read = dict(FeatureFlag.objects.values_list("name", "last_read_at"))
    assert set(read) == {"payments", "mentor_llm"}
    assert all(at is not None and utc_now() - at < timedelta(minutes=1) for at in read.values())
    assert FeatureFlag.objects.get(name="mentor_llm").enabled is None
    assert (is_on(PAYMENTS), is_on(MENTOR_LLM)) == (False, False)


def test_the_report_says_what_can_go(rows: None, configure: Configure, own_watch: Watch) -> None:
    declare("gifts", description="Gifts.", owner="social")
    now = utc_now()
    long_ago = now - timedelta(days=40)
    set_flag(name="payments", rollout=Rollout(enabled=True, percent=100), owner="billing")
    set_flag(name="gifts", rollout=Rollout(enabled=True, percent=30, groups=["testers"], expires_at=long_ago))
    own_watch.stop()
    FeatureFlag.objects.update(at_one_value_since=None, last_read_at=None)
    FeatureFlag.objects.filter(name="payments").update(at_one_value_since=long_ago, last_read_at=now)
    FeatureFlag.objects.create(name="dropped", enabled=False, at_one_value_since=None, last_read_at=long_ago)
    configure(features={"soulmatch": False, "soulmatsh": True}, feature_flags=("mentor_llm",))
    written = StringIO()
    call_command("flags_report", stdout=written)
    lines = {line.split("  ")[0]: line for line in written.getvalue().splitlines()}
    day = f"{long_ago:%Y-%m-%d}"
    told = {name: [cell.strip() for cell in line.split("  ") if cell.strip()][1:] for name, line in lines.items()}
    assert told == {
        "flag": ["state", "last read", "owner", "remarks"],
        "dropped": ["off", f"{long_ago:%Y-%m-%d %H:%M}", "no code declares it; not read for a release"],
        "gifts": ["30 %, 1 groups", "never", "social", f"expired {day}"],
        "mentor_llm": ["on by FEATURE_FLAGS", "never"],
        "payments": ["on", f"{now:%Y-%m-%d %H:%M}", "billing", f"at one value since {day}"],
        "soulmatch": ["off by FEATURE_SOULMATCH", "never"],
        "soulmatsh": ["on by FEATURE_SOULMATSH", "never", "no code declares it"],
    }
    written = StringIO()
    call_command("flags_report", days=60, stdout=written)
    assert "at one value" not in written.getvalue()


def _off() -> Rule:
    return Rule(False, 0, frozenset(), frozenset(), frozenset(), None)


def _asked(caller: httpx.Client) -> dict[str, bool]:
    answer = caller.get(FLAGS)
    assert answer.status_code == 200
    flags: dict[str, bool] = answer.json()["data"]["flags"]
    return flags


def _until(met: Callable[[], bool], seconds: float = 5.0) -> bool:
    deadline = time.monotonic() + seconds
    while not met():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.005)
    return True

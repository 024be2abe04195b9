"""Who has a flag: the pure rules."""

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stoa.platform.flags.declared import declare, declared_flags, flag_named
from stoa.platform.flags.rules import ANYBODY, Rule, Subject, decide, share_of, value_for_all

NOBODY = frozenset[str]()
NOW = 1_000_000.0


def rule(
    enabled: bool | None = True,
    percent: int = 0,
    users: frozenset[str] = NOBODY,
    orgs: frozenset[str] = NOBODY,
    groups: frozenset[str] = NOBODY,
    expires_at: float | None = None,
) -> Rule:
    return Rule(enabled, percent, users, orgs, groups, expires_at)


def has(given: Rule, subject: Subject, default: bool = False) -> bool:
    return decide("gifts", given, subject, default=default, now=NOW)


KNOWN = {("gifts", "a"): 8039, ("gifts", "b"): 8113, ("payments", "a"): 1676}
"""Written down once: a release that moves them moves people in and out of every roll-out under way."""


def test_shares_are_the_same_in_every_release_and_process() -> None:
    assert {pair: share_of(*pair) for pair in KNOWN} == KNOWN
    code = f"from stoa.platform.flags.rules import share_of; print([share_of(*pair) for pair in {list(KNOWN)!r}])"
    environ = {"PYTHONHASHSEED": "77", "PYTHONPATH": ":".join(filter(None, sys.path))}
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environ).stdout
    assert told.strip() == str(list(KNOWN.values()))


@given(st.uuids().map(str), st.integers(0, 100), st.integers(0, 100))
def test_a_larger_share_never_switches_anybody_off(user: str, one: int, other: int) -> None:
    less, more = sorted((one, other))
    assert has(rule(percent=less), Subject(user)) <= has(rule(percent=more), Subject(user))


@given(st.uuids().map(str))
def test_none_is_nobody_and_a_hundred_is_everybody(user: str) -> None:
    assert not has(rule(percent=0), Subject(user))
    assert has(rule(percent=100), Subject(user))


def test_a_share_is_about_as_large_as_it_says_and_another_flag_shuffles_anew() -> None:
    people = [Subject(f"user-{number}") for number in range(10_000)]
    first = {each.user_id for each in people if has(rule(percent=25), each)}
    second = {each.user_id for each in people if decide("other", rule(percent=25), each, default=False, now=NOW)}
    assert 2_300 < len(first) < 2_700
    assert 500 < len(first & second) < 750  # 625 if the two have nothing to do with each other


def test_a_stranger_has_a_flag_from_a_hundred_per_cent_on() -> None:
    assert not has(rule(percent=99), ANYBODY)
    assert has(rule(percent=100), ANYBODY)


def test_an_organization_without_a_person_has_a_share_of_its_own() -> None:
    of_orgs = [has(rule(percent=50), Subject(org_id=f"org-{number}")) for number in range(100)]
    assert 25 < sum(of_orgs) < 75


@pytest.mark.parametrize(
    ("named", "who"),
    [
        (rule(users=frozenset({"u"})), Subject("u")),
        (rule(orgs=frozenset({"o"})), Subject("x", "o")),
        (rule(groups=frozenset({"testers"})), Subject("x", "", frozenset({"testers", "others"}))),
    ],
    ids=["user", "org", "group"],
)
def test_whoever_is_named_has_it_and_nobody_else(named: Rule, who: Subject) -> None:
    assert has(named, who)
    assert not has(named, Subject("y", "z", frozenset({"others"})))
    assert not has(named, ANYBODY)
    off = Rule(False, 100, named.users, named.orgs, named.groups, None)
    assert not has(off, who), "off is off, whoever is named"


def test_after_its_day_a_rule_counts_no_more_and_the_default_does() -> None:
    for default in (True, False):
        assert has(rule(percent=100, expires_at=NOW + 1), Subject("u"), default)
        assert has(rule(percent=100, expires_at=NOW), Subject("u"), default) is default
        assert has(rule(enabled=False, expires_at=NOW), Subject("u"), default) is default
        assert has(rule(enabled=None, percent=50), Subject("u"), default) is default


def test_what_everybody_gets() -> None:
    def of(given: Rule) -> bool | None:
        return value_for_all(given, default=True, now=NOW)

    assert [of(rule(enabled=None)), of(rule(False, 50)), of(rule(percent=100)), of(rule(percent=0))] == [
        True,
        False,
        True,
        False,
    ]
    assert of(rule(percent=1)) is of(rule(users=frozenset({"u"}))) is None
    assert of(rule(enabled=False, expires_at=NOW)) is True


def test_the_baseline_and_what_a_name_may_be(own_flags: None) -> None:
    assert {name: flag.default for name, flag in declared_flags().items()} == {
        "payments": True,
        "soulmatch": True,
        "mentor_llm": False,
    }
    assert declare("gifts", description="Gifts.").default is False, "opt-in"
    for taken_or_bad in ("gifts", "flags", "token_file", "Gifts", "a b", "1st", ""):
        with pytest.raises(ValueError, match=r"flag"):
            declare(taken_or_bad, description="x")
    with pytest.raises(LookupError):
        flag_named("gitfs")

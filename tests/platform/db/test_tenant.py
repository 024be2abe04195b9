"""Rows of an organization without a scope: every way to them raises, and another's are not there."""

from collections.abc import Callable
from uuid import UUID

import pytest

from stoa.apps.accounts.tests.factories import Person
from stoa.apps.organizations.models import Membership, Role
from stoa.apps.organizations.tests.factories import make_organization, make_role, member_id_of
from stoa.platform.db.tenant import ForeignRow, UnscopedQuery, across_tenants, tenant_scope


@pytest.fixture
def mine(member: Person) -> UUID:
    return make_organization(member, "Mine")


@pytest.fixture
def theirs(outsider: Person) -> UUID:
    return make_organization(outsider, "Theirs")


def one(org_id: UUID) -> Membership:
    with tenant_scope(org_id):
        return Membership.objects.select_related("role").get()


WAYS: dict[str, Callable[[Membership], object]] = {
    "all": lambda _: Membership.objects.all(),
    "filter": lambda _: Membership.objects.filter(state="active"),
    "get": lambda row: Membership.objects.get(pk=row.pk),
    "count": lambda _: Membership.objects.count(),
    "exists": lambda _: Membership.objects.exists(),
    "create": lambda row: Membership.objects.create(organization_id=row.organization_id),
    "bulk_create": lambda row: Membership.objects.bulk_create([row]),
    "update": lambda _: Membership.objects.update(state="ended"),
    "delete": lambda row: row.delete(),
    "save": lambda row: row.save(),
    "refresh": lambda row: row.refresh_from_db(),
    "base": lambda _: Membership._base_manager.all(),
    "default": lambda _: Membership._default_manager.all(),
}


@pytest.mark.parametrize("way", WAYS)
def test_every_way_raises_without_a_scope(mine: UUID, way: str) -> None:
    row = one(mine)
    with pytest.raises(UnscopedQuery):
        WAYS[way](row)
    assert one(mine).state == "active"


def test_inside_a_scope_others_are_not_there(mine: UUID, theirs: UUID, outsider: Person) -> None:
    with tenant_scope(mine):
        assert [row.organization_id for row in Membership.objects.all()] == [mine]
        assert not Membership.objects.filter(pk=member_id_of(theirs, outsider)).exists()
        assert Membership.objects.filter(organization_id=theirs).count() == 0
        assert Membership.objects.update(state="active") == 1


def test_a_row_of_another_is_not_written_here(mine: UUID, theirs: UUID) -> None:
    row = one(theirs)
    with tenant_scope(mine):
        for act in (row.save, row.delete, lambda: Membership.objects.bulk_create([row])):
            with pytest.raises(ForeignRow):
                act()
    assert one(theirs).state == "active"


def test_the_inner_scope_counts_until_it_ends(mine: UUID, theirs: UUID) -> None:
    with tenant_scope(mine):
        with tenant_scope(theirs):
            assert Membership.objects.get().organization_id == theirs
        assert Membership.objects.get().organization_id == mine


def test_all_of_them_only_with_a_reason(mine: UUID, theirs: UUID) -> None:
    with across_tenants("a test that counts"):
        assert Membership.objects.filter(organization_id__in=[mine, theirs]).count() == 2
    with pytest.raises(ValueError, match="say why"), across_tenants(" "):
        pass
    with pytest.raises(UnscopedQuery):
        Membership.objects.all()


def test_a_query_keeps_the_scope_it_was_made_in(mine: UUID, theirs: UUID) -> None:
    with tenant_scope(mine):
        rows = Membership.objects.all()
    with tenant_scope(theirs):
        assert [row.organization_id for row in rows] == [mine]


def test_what_nobody_owns_is_read_by_all_and_written_by_none(mine: UUID, theirs: UUID) -> None:
    own, foreign = make_role(mine, "members:read"), make_role(theirs, "members:read")
    with tenant_scope(mine):
        seen = set(Role.objects.values_list("pk", flat=True))
        assert own in seen
        assert foreign not in seen
        assert len(seen) == 10
        shipped = Role.objects.get(name="VIEWER")
        with pytest.raises(ForeignRow):
            shipped.save()
        assert Role.objects.update(permissions=[]) == 1
        assert Role.objects.all().delete()[0] == 1
    with across_tenants("looking in a test"):
        assert Role.objects.get(organization=None, name="VIEWER").permissions == shipped.permissions
        assert Role.objects.filter(organization=None).count() == 9
        assert Role.objects.filter(pk=foreign).exists()

"""Rows of an organization are read and written inside a named scope only: what forgets to say whose fails closed.

A model derives from TenantModel; every way to its table through the ORM (managers, related rows, refresh_from_db, save)
asks for the scope in force and raises without one. A query set built inside a scope keeps its filter afterwards.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, ClassVar
from uuid import UUID

from django.db import models


class UnscopedQuery(RuntimeError):
    """A query on an organization's rows did not say of which organization."""


class ForeignRow(RuntimeError):
    """A row of one organization was about to be written in the scope of another."""


@dataclass(frozen=True, slots=True)
class _Across:
    reason: str


_scope: ContextVar[UUID | _Across | None] = ContextVar("stoa_tenant_scope", default=None)


@contextmanager
def tenant_scope(org_id: UUID) -> Iterator[None]:
    """Only this organization's rows; an inner scope replaces an outer one until it ends."""
    token = _scope.set(org_id)
    try:
        yield
    finally:
        _scope.reset(token)


@contextmanager
def across_tenants(reason: str) -> Iterator[None]:
    """Rows of every organization, for a reason that a reader finds beside the code. Raises ValueError without one."""
    if not reason.strip():
        raise ValueError("say why rows of every organization are read")
    token = _scope.set(_Across(reason))
    try:
        yield
    finally:
        _scope.reset(token)


class TenantQuerySet[M: models.Model](models.QuerySet[M]):
    def bulk_create(self, objs: Any, *args: Any, **kwargs: Any) -> list[M]:
        rows = list(objs)
        for row in rows:
            refuse_foreign(row)
        return super().bulk_create(rows, *args, **kwargs)

    def update(self, **kwargs: Any) -> int:
        return models.QuerySet.update(self._writable(), **kwargs)

    def delete(self) -> tuple[int, dict[str, int]]:
        return models.QuerySet.delete(self._writable())

    def _writable(self) -> "TenantQuerySet[M]":
        """Without the rows that belong to nobody, inside a scope."""
        if not getattr(self.model, "shares_unowned", False) or isinstance(_scope.get(), _Across):
            return self
        return self.filter(**{f"{tenant_field(self.model)}__isnull": False})


class TenantRows[M: models.Model](models.Manager[M]):
    """`objects` of a TenantModel. Raises UnscopedQuery outside a scope."""

    def get_queryset(self) -> TenantQuerySet[M]:
        found: TenantQuerySet[M] = TenantQuerySet(self.model, using=self._db)
        scope = _scope.get()
        if scope is None:
            raise UnscopedQuery(f"{self.model._meta.label} outside tenant_scope()")
        if isinstance(scope, _Across):
            return found
        field = tenant_field(self.model)
        mine = models.Q(**{field: scope})
        return found.filter(mine | models.Q(**{field: None}) if getattr(self.model, "shares_unowned", False) else mine)


def tenant_field(model: type[models.Model]) -> str:
    field: str = getattr(model, "tenant_field", "")
    return field


def refuse_foreign(row: models.Model) -> None:
    """Raises UnscopedQuery, ForeignRow."""
    scope = _scope.get()
    if scope is None:
        raise UnscopedQuery(f"{row._meta.label} outside tenant_scope()")
    if not isinstance(scope, _Across) and getattr(row, tenant_field(type(row))) != scope:
        raise ForeignRow(f"{row._meta.label} of another organization")


class TenantModel(models.Model):
    """`tenant_field` names the column that says whose the row is."""

    tenant_field: ClassVar[str] = "organization_id"
    shares_unowned: ClassVar[bool] = False
    """Rows without an organization are read by all, and written by none inside its scope."""

    class Meta:
        abstract = True
        base_manager_name = "objects"

    def save(self, *args: Any, **kwargs: Any) -> None:
        refuse_foreign(self)
        super().save(*args, **kwargs)

    def delete(self, using: Any = None, keep_parents: bool = False) -> tuple[int, dict[str, int]]:
        refuse_foreign(self)
        return super().delete(using=using, keep_parents=keep_parents)

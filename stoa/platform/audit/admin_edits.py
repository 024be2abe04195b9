"""What staff edit in the admin, on the trail: a mixin in front of ModelAdmin."""

from collections.abc import Iterable, Mapping
from typing import Any

from django.db.models import Model, QuerySet
from django.forms import ModelForm
from django.http import HttpRequest

from stoa.platform.admin_pages.base import StoaAdmin
from stoa.platform.audit.models import Severity
from stoa.platform.audit.recording import record
from stoa.platform.db.transactions import transaction


class AuditedAdmin(StoaAdmin):
    """`class UserAdmin(AuditedAdmin):`. Adding, changing and deleting are recorded in Django's own transaction.

    Masking is by field name, as everywhere: a password's hash is not stored a second time."""

    def save_model(self, request: HttpRequest, obj: Any, form: "ModelForm[Any]", change: bool) -> None:
        with transaction():
            super().save_model(request, obj, form, change)
            fields = form.changed_data
            before = {name: form.initial.get(name) for name in fields} if change else None
            after = {name: form.cleaned_data.get(name) for name in fields}
            _record("changed" if change else "added", request, obj, before=_plain(before), after=_plain(after))

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        with transaction():
            _record("deleted", request, obj, before={"is": str(obj)})
            super().delete_model(request, obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        with transaction():
            for each in queryset:
                _record("deleted", request, each, before={"is": str(each)})
            super().delete_queryset(request, queryset)


def _record(
    what: str,
    request: HttpRequest,
    obj: Model,
    *,
    before: Mapping[str, object] | None = None,
    after: Mapping[str, object] | None = None,
) -> None:
    record(
        action=f"admin.{what}",
        object_type=obj._meta.label_lower,
        object_id=obj.pk,
        actor_id=request.user.pk,
        before=before,
        after=after,
        severity=Severity.NOTICE,
    )


def _plain(values: Mapping[str, object] | None) -> dict[str, object] | None:
    """Rows that a form chose as their keys, so that no related row is written out."""
    return None if values is None else {name: _key(value) for name, value in values.items()}


def _key(value: object) -> object:
    if isinstance(value, Model):
        return value.pk
    if isinstance(value, Iterable) and not isinstance(value, (str, bytes, Mapping)):
        return [_key(each) for each in value]
    return value

"""Flags in the admin. The form is the whole of a flag's rule, and the service writes it."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from unfold.widgets import UnfoldAdminTextareaWidget

from stoa.kit.ids import parse_id
from stoa.platform.admin_pages.base import StoaAdmin
from stoa.platform.admin_pages.looks import BAD, GOOD, PLAIN, WARNING, labelled
from stoa.platform.flags.declared import declared_flags
from stoa.platform.flags.models import FeatureFlag
from stoa.platform.flags.services import Rollout, remove_flag, set_flag
from stoa.runtime.config.current import settings

if TYPE_CHECKING:
    _Form = forms.ModelForm[FeatureFlag]
else:
    _Form = forms.ModelForm

_LINES = UnfoldAdminTextareaWidget(attrs={"rows": 3})
_LISTS = ("users", "orgs", "groups")
_IN_FORCE = {"on": GOOD, "off": BAD, "as declared": PLAIN, "some": WARNING}


class _FlagForm(_Form):
    users = forms.CharField(required=False, help_text="Ids, one a line.", widget=_LINES)
    orgs = forms.CharField(required=False, label="Organizations", help_text="Ids, one a line.", widget=_LINES)
    groups = forms.CharField(required=False, help_text="Names of groups, one a line.", widget=_LINES)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in _LISTS:
            self.initial[name] = "\n".join(self.initial.get(name) or ())
        if "name" in self.fields:
            known = set(FeatureFlag.objects.values_list("name", flat=True))
            self.fields["name"] = forms.ChoiceField(
                choices=[(name, name) for name in sorted(declared_flags()) if name not in known],
                help_text="Flags that code declares and that have no row yet.",
            )

    def clean_users(self) -> list[str]:
        return _lines(self.cleaned_data["users"], _as_id)

    def clean_orgs(self) -> list[str]:
        return _lines(self.cleaned_data["orgs"], _as_id)

    def clean_groups(self) -> list[str]:
        return _lines(self.cleaned_data["groups"], str)


@admin.register(FeatureFlag)
class FlagAdmin(StoaAdmin):
    form = _FlagForm
    list_display = ("name", "in_force", "enabled", "percent", "expires_at", "owner", "last_read_at", "updated_at")
    list_filter = ("enabled",)
    ordering = ("name",)
    fieldsets = (
        (None, {"fields": ("name", "description", "enabled", "percent", "expires_at", "owner")}),
        ("Whoever else has it", {"fields": _LISTS}),
        ("Seen", {"fields": ("at_one_value_since", "last_read_at", "created_at", "updated_at")}),
    )
    readonly_fields = ("description", "at_one_value_since", "last_read_at", "created_at", "updated_at")

    def get_readonly_fields(self, request: HttpRequest, obj: FeatureFlag | None = None) -> tuple[str, ...]:
        return self.readonly_fields if obj is None else ("name", *self.readonly_fields)

    @labelled("in force", _IN_FORCE)
    def in_force(self, row: FeatureFlag) -> str | tuple[str, str]:
        """The environment's word comes first; what a row says of one person is the API's to tell."""
        forced = settings().features.get(row.name, True if row.name in settings().feature_flags else None)
        if forced is not None:
            word = "on" if forced else "off"
            return word, f"{word} (environment)"
        if row.enabled is None:
            return "as declared"
        if not row.enabled:
            return "off"
        return "on" if row.percent >= 100 else "some"

    def save_model(self, request: HttpRequest, obj: FeatureFlag, form: Any, change: bool) -> None:
        given = form.cleaned_data
        rollout = Rollout(
            enabled=given["enabled"],
            percent=given["percent"],
            users=[UUID(each) for each in given["users"]],
            orgs=[UUID(each) for each in given["orgs"]],
            groups=given["groups"],
            expires_at=given["expires_at"],
        )
        set_flag(name=obj.name, rollout=rollout, owner=given["owner"])

    def delete_model(self, request: HttpRequest, obj: FeatureFlag) -> None:
        remove_flag(name=obj.name)

    def delete_queryset(self, request: HttpRequest, queryset: Any) -> None:
        for name in queryset.values_list("name", flat=True):
            remove_flag(name=name)

    def has_delete_permission(self, request: HttpRequest, obj: FeatureFlag | None = None) -> bool:
        """The declared default counts again then."""
        return request.user.has_perm("flags.delete_featureflag")


def _lines(text: str, read: Callable[[str], str]) -> list[str]:
    return [read(line.strip()) for line in text.splitlines() if line.strip()]


def _as_id(text: str) -> str:
    found = parse_id(text.lower())
    if found is None:
        raise forms.ValidationError(f"{text[:60]} is no id.")
    return str(found)

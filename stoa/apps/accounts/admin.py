"""People and sessions in the admin."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db.models import Q, QuerySet
from django.forms import ModelForm
from django.http import HttpRequest
from django.utils.safestring import SafeString

from stoa.apps.accounts.domain import search_key
from stoa.apps.accounts.models import Session, User
from stoa.apps.accounts.services import by_staff
from stoa.apps.accounts.services.lockout import locked_people
from stoa.kit.email import canonical_email
from stoa.kit.ids import parse_id
from stoa.platform.admin_pages.acts import act_on_each, actor_of
from stoa.platform.admin_pages.base import ReadOnlyAdmin, StoaAdmin
from stoa.platform.admin_pages.looks import list_link, row_link

if TYPE_CHECKING:
    _Form = ModelForm[User]
else:
    _Form = ModelForm

_EDITED = ("email", "handle", "name", "is_active")
_RIGHTS = ("is_staff", "is_superuser", "staff_permissions", "groups")
_SHOWN = ("id", "created_at", "email_verified_at", "last_login", "erase_at", "is_demo", "version", "sessions")


class _PersonForm(_Form):
    def clean_email(self) -> str:
        return canonical_email(self.cleaned_data["email"])

    def clean_staff_permissions(self) -> list[str]:
        """Read on every request of the person, where nothing but words will do."""
        given = self.cleaned_data["staff_permissions"] or []
        if not isinstance(given, list) or not all(isinstance(word, str) and ":" in word for word in given):
            raise ValidationError('A list of words such as ["audit:read"].')
        return sorted(set(given))


class LockedOut(admin.SimpleListFilter):
    title = "locked out"
    parameter_name = "locked"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("yes", "Now, by wrong guesses")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[User]) -> QuerySet[User]:
        return queryset.filter(pk__in=locked_people()) if self.value() else queryset


@admin.register(User)
class UserAdmin(StoaAdmin):
    """What people choose for themselves is theirs to change, and what is encrypted is shown to nobody here."""

    form = _PersonForm
    list_display = ("handle", "name", "email", "is_active", "is_staff", "created_at")
    list_filter = ("is_active", "is_staff", LockedOut)
    search_fields = ("handle_key",)
    search_help_text = "Handle or name (beginning), e-mail, id"
    ordering = ("-created_at", "-id")
    fieldsets = (
        (None, {"fields": _EDITED}),
        ("Rights", {"fields": _RIGHTS, "description": "Given by superusers only."}),
        ("Account", {"fields": _SHOWN}),
    )
    add_fieldsets = ((None, {"fields": ("email", "name", "handle")}),)
    filter_horizontal = ("groups",)
    actions = ("disable", "enable", "end_all_sessions", "unlock")

    def wanted(self, term: str) -> Q:
        """By the beginning of the folded handle or name, the whole e-mail, or the id."""
        key = search_key(term)
        # The hexadecimal of a key sorts alike everywhere, and "g" behind all of it: a beginning is a range of an index.
        began = Q(handle_key__gte=key, handle_key__lt=f"{key}g") | Q(name_key__gte=key, name_key__lt=f"{key}g")
        return began | _exactly(term)

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> tuple[str, ...]:
        return _SHOWN if _is_superuser(request) else (*_SHOWN, *_RIGHTS)

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        """A superuser's account is a superuser's to change."""
        allowed = super().has_change_permission(request, obj)
        return allowed and (obj is None or not obj.is_superuser or _is_superuser(request))

    @admin.display(description="sessions")
    def sessions(self, row: User) -> SafeString:
        return list_link("accounts.session", "of this person", user__id__exact=str(row.pk))

    def save_model(self, request: HttpRequest, obj: User, form: "ModelForm[User]", change: bool) -> None:
        given, actor_id = form.cleaned_data, actor_of(request)
        if not change:
            obj.pk = by_staff.add_person(
                actor_id=actor_id, email=given["email"], name=given["name"], handle=given["handle"]
            )
            return
        changes = {name: given[name] for name in form.changed_data if name != "groups"}
        groups = list(given["groups"]) if "groups" in form.changed_data else None
        if changes or groups is not None:
            by_staff.edit_person(user_id=obj.pk, actor_id=actor_id, changes=changes, groups=groups)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Groups are set by the service."""

    @admin.action(description="Disable: sign out and let in no more", permissions=["change"])
    def disable(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        self._act(request, queryset, by_staff.disable_person, done="disabled")

    @admin.action(description="Enable", permissions=["change"])
    def enable(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        self._act(request, queryset, by_staff.enable_person, done="enabled")

    @admin.action(description="End all sessions", permissions=["change"])
    def end_all_sessions(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        self._act(request, queryset, by_staff.end_sessions_of, done="signed out everywhere")

    @admin.action(description="Unlock: forget wrong passwords and codes", permissions=["change"])
    def unlock(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        self._act(request, queryset, by_staff.unlock_person, done="unlocked")

    def _act(self, request: HttpRequest, people: QuerySet[User], act: Callable[..., object], *, done: str) -> None:
        actor_id = actor_of(request)
        act_on_each(self, request, people, lambda person: act(user_id=person.pk, actor_id=actor_id), done=done)


@admin.register(Session)
class SessionAdmin(ReadOnlyAdmin):
    list_display = ("id", "person", "agent", "address", "created_at", "last_used_at", "revoked_at")
    list_select_related = ("user",)
    search_fields = ("user_id",)
    search_help_text = "Handle, e-mail or id of a person"
    ordering = ("-created_at", "-id")
    fields = ("id", "person", "agent", "address", "created_at", "last_used_at", "expires_at", "revoked_at")
    readonly_fields = ("person",)
    actions = ("revoke",)

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        return lookup == "user__id__exact" or super().lookup_allowed(lookup, value, request)

    def wanted(self, term: str) -> Q:
        """Of one person, who is found first, or of this id."""
        person = User.objects.filter(_exactly(term)).values_list("pk", flat=True).first()
        number = parse_id(term)
        return Q(user_id=person) | Q(pk=number) if number else Q(user_id=person)

    def has_revoke_permission(self, request: HttpRequest) -> bool:
        return self.may_act(request)

    @admin.display(description="person")
    def person(self, row: Session) -> SafeString | str:
        return row_link(row.user)

    @admin.action(description="Revoke: sign out here", permissions=["revoke"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[Session]) -> None:
        actor_id = actor_of(request)
        act_on_each(
            self,
            request,
            queryset,
            lambda session: by_staff.end_session_of(session_id=session.pk, actor_id=actor_id),
            done="ended",
        )


def _exactly(term: str) -> Q:
    number = parse_id(term)
    found = Q(email=canonical_email(term)) | Q(handle=term.lower())
    return found | Q(pk=number) if number else found


def _is_superuser(request: HttpRequest) -> bool:
    return bool(getattr(request.user, "is_superuser", False))

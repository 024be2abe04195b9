"""Classes that every page of the admin derives from."""

from functools import reduce
from operator import or_
from typing import TYPE_CHECKING, Any, ClassVar

from django.contrib import admin, messages
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect

from stoa.kit.errors import DomainError
from stoa.platform.admin_pages.paging import UncountedList

if TYPE_CHECKING:
    _Unfold = admin.ModelAdmin[Any]
else:
    from unfold.admin import ModelAdmin as _Unfold

PER_PAGE = 50


class StoaAdmin(_Unfold):
    """Newest first, never counted, sorted by what an index sorts by; a refusal of a service is said on the page.

    Nothing is deleted by hand unless a page says so: rows are ended, closed or erased, by services."""

    ordering: ClassVar[tuple[Any, ...]] = ("-id",)
    sortable_by: ClassVar[tuple[str, ...] | list[str] | None] = ()
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    list_per_page = PER_PAGE
    list_disable_select_all = True
    list_fullwidth = True
    warn_unsaved_form = True

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[UncountedList]:
        return UncountedList

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        term = search_term.strip()
        return queryset.filter(self.wanted(term)) if term else queryset, False

    def wanted(self, term: str) -> Q:
        """What a search asks for: by default one of `search_fields` is the term, as a whole and to the letter. Django's
        own searches fold case or look inside of words, for which no index is there."""
        return reduce(or_, (Q(**{name: term}) for name in self.search_fields), Q())

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> Any:
        """Django's, in whose transaction a refused save leaves nothing."""
        try:
            return super().changeform_view(request, object_id, form_url, extra_context)
        except DomainError as refused:
            self.message_user(request, said(refused), messages.ERROR)
            return HttpResponseRedirect(request.get_full_path())

    def delete_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        try:
            return super().delete_view(request, object_id, extra_context)
        except DomainError as refused:
            self.message_user(request, said(refused), messages.ERROR)
            return HttpResponseRedirect(request.get_full_path())

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class ReadOnlyAdmin(StoaAdmin):
    """Shown to those who may view; an action of the page says whom it is for."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def may_act(self, request: HttpRequest) -> bool:
        """For `has_<action>_permission` of a page: Django's word for changing the model, which no form here asks for."""
        return request.user.has_perm(f"{self.opts.app_label}.change_{self.opts.model_name}")


def said(refused: DomainError) -> str:
    """A refusal in words for whoever is at the screen."""
    fields = "; ".join(f"{name}: {', '.join(faults)}" for name, faults in getattr(refused, "fields", {}).items())
    return f"{refused.text} {fields}".strip()

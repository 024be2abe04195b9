"""A page of a list by one query: its rows and one more, which tells that there is another page."""

from typing import TYPE_CHECKING, Any

from django.contrib.admin.options import IncorrectLookupParameters
from django.core.paginator import Page, Paginator
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.functional import cached_property

if TYPE_CHECKING:
    from django.contrib.admin.views.main import ChangeList as _List

    _Pages = Paginator[Any]
else:
    from unfold.views import ChangeList as _List

    _Pages = Paginator

DEEPEST = 2000
"""Rows that one may page through; what lies further back is found by a search or a filter. An offset costs as much as
the rows it skips."""


class NewestOnly(_Pages):
    """Never counts. `count` is how many rows there are at least: those before the page, its own and the one behind."""

    template_name = "admin_pages/newest_only.html"
    """Asked for by unfold's own."""
    deepest = DEEPEST

    def __init__(self, rows: QuerySet[Any], per_page: int, *, number: int) -> None:
        super().__init__(rows, per_page)
        self.number = number
        self.first = (number - 1) * per_page

    @cached_property
    def _rows(self) -> list[Any]:
        if not 0 <= self.first < DEEPEST:
            return []
        return list(self.object_list[self.first : min(self.first + self.per_page + 1, DEEPEST)])

    @property
    def count(self) -> int:
        return self.first + len(self._rows)

    @property
    def has_next(self) -> bool:
        return len(self._rows) > self.per_page

    @property
    def is_cut(self) -> bool:
        """True on the last page one may see, where more rows may follow."""
        return self.count >= DEEPEST

    def page(self, number: int | str) -> "Page[Any]":
        return Page(self._rows[: self.per_page], self.number, self)


class UncountedList(_List):
    """A list of the admin by one query, where Django's own takes three, two of which read all that the filters leave."""

    def get_results(self, request: HttpRequest) -> None:
        paginator = NewestOnly(self.queryset, self.list_per_page, number=self.page_num)
        self.result_list = paginator.page(self.page_num).object_list
        if not self.result_list and self.page_num != 1:
            raise IncorrectLookupParameters
        self.result_count = self.full_result_count = paginator.count
        self.show_full_result_count = self.can_show_all = False
        self.show_admin_actions = True
        self.multi_page = self.page_num > 1 or paginator.has_next
        self.paginator = paginator

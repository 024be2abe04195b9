"""Filters of the admin's lists, each one that an index answers."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

if TYPE_CHECKING:
    _Chosen = admin.SimpleListFilter

    class _Range(admin.FieldListFilter):
        parameter_name: str
else:
    from unfold.contrib.filters.admin import DropdownFilter as _Chosen
    from unfold.contrib.filters.admin import RangeDateFilter as _Range


class ChosenFilter(_Chosen):
    """One of many values, from a drop-down: `lookups()` and `queryset()` as of Django's SimpleListFilter."""


class DaysFilter(_Range):
    """From a day to a day, both whole, in UTC: `list_filter = (("at", DaysFilter),)`."""

    def __init__(self, field: Any, *others: Any, **named: Any) -> None:
        super().__init__(field, *others, **named)
        self.title = f"{field.verbose_name} (days, UTC)"

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(**dict(self._bounds()))

    def _bounds(self) -> Iterator[tuple[str, datetime]]:
        first, last = (_day(self.used_parameters.get(f"{self.parameter_name}_{end}")) for end in ("from", "to"))
        if first is not None:
            yield f"{self.field_path}__gte", _midnight(first)
        if last is not None and last < date.max:
            yield f"{self.field_path}__lt", _midnight(last + timedelta(days=1))


def _day(written: Any) -> date | None:
    """None for what is no day: the filter then leaves everything."""
    try:
        return date.fromisoformat(str(written))
    except ValueError:
        return None


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time.min, UTC)

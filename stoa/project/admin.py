"""Pages of libraries in the look of the others. Whatever is edited there is on the audit trail."""

from typing import Any

from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin
from django.contrib.auth.models import Group
from django.db.models import QuerySet
from django.http import HttpRequest
from django_celery_beat.admin import ClockedScheduleAdmin, CrontabScheduleAdmin, PeriodicTaskAdmin, PeriodicTaskForm
from django_celery_beat.admin import TaskSelectWidget as BeatTaskSelect
from django_celery_beat.models import (
    ClockedSchedule,
    CrontabSchedule,
    IntervalSchedule,
    PeriodicTask,
    SolarSchedule,
)
from django_celery_results.admin import GroupResultAdmin, TaskResultAdmin
from django_celery_results.models import GroupResult, TaskResult
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from stoa.platform.admin_pages.base import ReadOnlyAdmin
from stoa.platform.audit.admin_edits import AuditedAdmin
from stoa.project import admin_sweeps  # noqa: F401 - Django looks for pages in modules of this name only

admin.site.index_template, admin.site.index_title = "stoa/dashboard.html", "Overview"

for _model in (
    *(Group, PeriodicTask, IntervalSchedule, CrontabSchedule, SolarSchedule, ClockedSchedule),
    *(TaskResult, GroupResult),
):
    admin.site.unregister(_model)


class _Deletable(AuditedAdmin):
    """Rows that staff make and remove by hand: a schedule is theirs, as a group is."""

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Django's: there are few of these, and one remembers a part of a name."""
        return admin.ModelAdmin.get_search_results(self, request, queryset, search_term)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm(f"{self.opts.app_label}.delete_{self.opts.model_name}")


@admin.register(Group)
class Groups(_Deletable, GroupAdmin):
    ordering = ("name",)


class _TaskSelect(UnfoldAdminSelectWidget, BeatTaskSelect):
    pass


class _TaskForm(PeriodicTaskForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "task" in self.fields:  # not there for those who may only look
            self.fields["task"].widget = UnfoldAdminTextInputWidget()
            self.fields["regtask"].widget = _TaskSelect()


@admin.register(PeriodicTask)
class PeriodicTasks(_Deletable, PeriodicTaskAdmin):
    form = _TaskForm
    ordering = ("name",)
    date_hierarchy = None
    change_form_template = None  # its own has a script inside the page, which the policy does not let run


@admin.register(IntervalSchedule)
class Intervals(_Deletable):
    pass


@admin.register(CrontabSchedule)
class Crontabs(_Deletable, CrontabScheduleAdmin):
    pass


@admin.register(SolarSchedule)
class SolarSchedules(_Deletable):
    pass


@admin.register(ClockedSchedule)
class ClockedSchedules(_Deletable, ClockedScheduleAdmin):
    pass


@admin.register(TaskResult)
class TaskResults(ReadOnlyAdmin, TaskResultAdmin):
    date_hierarchy = None
    list_filter = ("status", "date_done")
    search_fields = ("task_id", "task_name")


@admin.register(GroupResult)
class GroupResults(ReadOnlyAdmin, GroupResultAdmin):
    date_hierarchy = None
    search_fields = ("group_id",)

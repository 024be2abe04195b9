"""Acts of staff on the rows they ticked: one call of a service each, and what came of it said on the page."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.db.models import Model, QuerySet
from django.http import HttpRequest

from stoa.kit.errors import DomainError
from stoa.platform.admin_pages.base import StoaAdmin, said

MOST = 200
"""Rows of one act: more are the business of a command, and of somebody who thinks twice."""


def act_on_each[M: Model](
    page: StoaAdmin, request: HttpRequest, rows: QuerySet[M], act: Callable[[M], object], *, done: str
) -> None:
    """Call `act` for each row, each in a transaction of its own. A refusal of one is told beside the row's name and
    stops none of the others. `done` ends the sentence "3 ..."."""
    chosen = list(rows[: MOST + 1])
    if len(chosen) > MOST:
        page.message_user(request, f"That is more than {MOST} rows: nothing was done.", messages.ERROR)
        return
    count = 0
    for row in chosen:
        try:
            act(row)
        except DomainError as refused:
            page.message_user(request, f"{row}: {said(refused)}", messages.WARNING)
        else:
            count += 1
    if count:
        page.message_user(request, f"{count} {done}.", messages.SUCCESS)


def actor_of(request: HttpRequest) -> UUID:
    """Whoever is signed in to the admin, for a service's `actor_id`."""
    actor: Any = request.user.pk
    return UUID(str(actor))

"""Pages of lists: opaque signed cursors over a keyset slice, and numbered pages for small staff tables."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from django.db.models import Model, QuerySet
from pydantic import Field

from stoa.kit.contract import Contract
from stoa.kit.cursors import BadCursor, Position, read_cursor, sign_cursor
from stoa.kit.errors import Malformed
from stoa.platform.db.keyset import BadPosition, Slice, keyset_slice
from stoa.platform.http.inputs import QueryInput
from stoa.runtime import context
from stoa.runtime.config.current import settings

DEFAULT_LIMIT = 20
MAX_LIMIT = 100


class PageQuery(QueryInput):
    """`?limit=&cursor=`; a list with filters subclasses it, and its filters then belong to the cursor's signature."""

    limit: int = Field(DEFAULT_LIMIT, ge=1, le=MAX_LIMIT, description="Rows a page.")
    cursor: str | None = Field(None, max_length=1024, description="From meta.pagination of the page before.")


class NumberedQuery(QueryInput):
    """`?limit=&page=` for small staff tables that need totals."""

    limit: int = Field(DEFAULT_LIMIT, ge=1, le=MAX_LIMIT, description="Rows a page.")
    page: int = Field(1, ge=1, le=100_000, description="Number of the page, from 1.")


class Page(Contract):
    """What a list view returns: contracts, and the pagination that goes into meta."""

    items: Sequence[Any]
    pagination: dict[str, Any]


def keyset_page[M: Model](
    queryset: QuerySet[M], query: PageQuery, *, route: str, order: Sequence[str], shape: Callable[[M], Contract]
) -> Page:
    """One query. `order` as for keyset_slice. Raises Malformed for a cursor that is tampered with or foreign."""
    return _page(
        query,
        route=route,
        order=order,
        shape=shape,
        read=lambda position, backwards: keyset_slice(
            queryset, order=order, limit=query.limit, position=position, backwards=backwards
        ),
    )


class Readable(Protocol):
    """A WrittenList, or what reads like one."""

    @property
    def order(self) -> Sequence[str]: ...

    def read(
        self, values: Mapping[str, Any], *, limit: int, position: Position | None, backwards: bool = False
    ) -> Slice[tuple[Any, ...]]: ...


def written_page(
    source: Readable,
    values: Mapping[str, Any],
    query: PageQuery,
    *,
    route: str,
    shape: Callable[[tuple[Any, ...]], Contract],
) -> Page:
    """The same for a list written in SQL; `shape` gets a tuple of its columns."""
    return _page(
        query,
        route=route,
        order=source.order,
        shape=shape,
        read=lambda position, backwards: source.read(values, limit=query.limit, position=position, backwards=backwards),
    )


def _page[R](
    query: PageQuery,
    *,
    route: str,
    order: Sequence[str],
    shape: Callable[[R], Contract],
    read: Callable[[Position | None, bool], Slice[R]],
) -> Page:
    filters = query.model_dump_json(exclude={"limit", "cursor"})
    current = context.current()
    scope = (route, ",".join(order), filters, current.user_id, current.org_id)
    key = settings().django_secret_key.get_secret_value().encode()
    try:
        backwards, position = _read(query.cursor, scope, key)
        piece = read(position, backwards)
    except (BadCursor, BadPosition):
        raise Malformed("The cursor does not belong to this list.") from None
    return Page(
        items=[shape(row) for row in piece.rows],
        pagination={
            "limit": query.limit,
            "next_cursor": _sign("n", piece.next_position, scope, key),
            "prev_cursor": _sign("p", piece.prev_position, scope, key),
            "has_more": piece.next_position is not None,
        },
    )


def numbered_page[M: Model](queryset: QuerySet[M], query: NumberedQuery, *, shape: Callable[[M], Contract]) -> Page:
    """Two queries: a count and a page. Only for tables that stay small: an offset reads all that it skips."""
    total = queryset.count()
    pages = -(-total // query.limit)
    start = (query.page - 1) * query.limit
    return Page(
        items=[shape(row) for row in queryset[start : start + query.limit]],
        pagination={
            "page": query.page,
            "limit": query.limit,
            "total": total,
            "total_pages": pages,
            "has_next": query.page < pages,
            "has_prev": query.page > 1 and total > 0,
        },
    )


def _read(cursor: str | None, scope: Sequence[str], key: bytes) -> tuple[bool, Position | None]:
    if cursor is None:
        return False, None
    direction, *position = read_cursor(cursor, scope=scope, key=key)
    return direction == "p", tuple(position)


def _sign(direction: str, position: Position | None, scope: Sequence[str], key: bytes) -> str | None:
    return None if position is None else sign_cursor((direction, *position), scope=scope, key=key)

"""How values are shown on the admin's pages."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

from django.db.models import Model
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.http import urlencode
from django.utils.safestring import SafeString

GOOD, PLAIN, WARNING, BAD = "success", "info", "warning", "danger"
"""Colours of a label."""
_LINK = '<a href="{}" class="text-primary-600 dark:text-primary-500">{}</a>'


def labelled[F: Callable[..., object]](description: str, colors: Mapping[str, str]) -> Callable[[F], F]:
    """Of a column: its value, or a pair (value, text), in a label whose colour goes by the value."""

    def mark(column: F) -> F:
        column.short_description = description  # type: ignore[attr-defined]  # where Django and unfold look for it
        column.label = dict(colors)  # type: ignore[attr-defined]  # the same
        return column

    return mark


def preformatted(text: str) -> SafeString:
    return format_html(
        '<pre class="font-mono text-xs" style="white-space: pre-wrap; overflow-wrap: anywhere">{}</pre>', text
    )


def table(headings: Sequence[str], rows: Iterable[Sequence[object]], *, numbers: Collection[int] = ()) -> SafeString:
    """Rows of values, each escaped unless it is a link of ours; the columns of `numbers` stand to the right."""
    sides = ["text-align: right; white-space: nowrap" if index in numbers else "" for index in range(len(headings))]
    cell = '<{0} style="padding: .25rem .75rem .25rem 0; vertical-align: top; min-width: 3.5rem; overflow-wrap: anywhere; {1}">{2}</{0}>'
    head = format_html_join(
        "", cell, (("th", side or "text-align: left", text) for side, text in zip(sides, headings, strict=True))
    )
    body = format_html_join(
        "",
        "<tr>{}</tr>",
        ((format_html_join("", cell, (("td", *each) for each in zip(sides, row, strict=True))),) for row in rows),
    )
    return format_html(
        '<div style="overflow-x: auto"><table><thead><tr>{}</tr></thead><tbody>{}</tbody></table></div>', head, body
    )


def story_link(request_id: str) -> SafeString | str:
    """To the page that tells all of one request."""
    if not request_id:
        return "-"
    return format_html(_LINK, f"{reverse('trace')}?{urlencode({'id': request_id})}", request_id)


def row_link(row: Model | None, text: str = "") -> SafeString | str:
    """To the row's own page in the admin."""
    if row is None:
        return "-"
    return page_link(f"{row._meta.app_label}.{row._meta.model_name}", row.pk, text or str(row))


def page_link(model: str, key: object, text: str) -> SafeString:
    """The same without the row at hand: `model` is `app.model`."""
    return format_html(_LINK, reverse(f"admin:{model.replace('.', '_')}_change", args=[key]), text)


def list_link(model: str, text: str, **filters: str | int) -> SafeString:
    """To a list, filtered."""
    address = f"{reverse(f'admin:{model.replace(".", "_")}_changelist')}?{urlencode(filters)}"
    return format_html(_LINK, address, text)

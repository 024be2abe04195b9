"""A report as somebody asked for it: the contract for JSON, else a file."""

from collections.abc import Callable
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AfterValidator, Field

from stoa.apps.ledger.services.tabulating import table_of
from stoa.kit.contract import Contract
from stoa.platform.http.endpoints import File
from stoa.platform.http.inputs import QueryInput
from stoa.platform.tables.table import CONTENT_TYPES, Table
from stoa.platform.tables.writing import written_as


def _rising(value: str) -> str:
    days = days_of(value)
    if days != sorted(set(days)) or not days[0]:
        raise ValueError("days that rise, from 1 on")
    return value


def days_of(value: str) -> list[int]:
    return [int(each) for each in value.split(",")]


BucketDays = Annotated[
    str,
    Field(
        pattern=r"^[0-9]{1,4}(,[0-9]{1,4}){0,9}$",
        description="Where the buckets of an aged report end, in days since the entry, rising.",
        examples=["30,60,90"],
    ),
    AfterValidator(_rising),
]
type Form = Literal["json", "csv", "xlsx", "pdf"]
FILES = tuple(content_type.partition(";")[0] for content_type in CONTENT_TYPES.values())


class FormQuery(QueryInput):
    format: Form = Field("json", description="How the report is answered; all but json are files.")


def as_asked[C: Contract](form: Form, report: C, book_id: UUID) -> C | File:
    return report if form == "json" else _file(table_of(report=report, book_id=book_id), form)


def lines_as_asked[C: Contract](form: Form, report: Callable[[], C], table: Callable[[], Table]) -> C | File:
    """Of a report that shows lines: only the file reads however many there are."""
    return report() if form == "json" else _file(table(), form)


def _file(table: Table, form: Literal["csv", "xlsx", "pdf"]) -> File:
    return File(written_as(table, form), CONTENT_TYPES[form], f"{table.name}.{form}")

"""What a route accepts: pydantic models that refuse unknown fields, and the field types they are made of.

The schema that OpenAPI shows is generated from the same model that validates, so the two cannot disagree."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Annotated, Any, cast
from uuid import UUID
from zoneinfo import available_timezones

from django.core.exceptions import ValidationError as DjangoValidationError
from django.core.validators import EmailValidator
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    PlainValidator,
    ValidationError,
    WithJsonSchema,
)
from pydantic_core import CoreSchema

from stoa.kit.email import canonical_email
from stoa.kit.errors import Invalid
from stoa.kit.ids import parse_id
from stoa.kit.money import Money, MoneyError


class Input(BaseModel):
    """The body or query of one route. Strict: "1" is not 1 and 1 is not true."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, hide_input_in_errors=True)


class QueryInput(Input):
    """A query string, where every value arrives as text."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=False, hide_input_in_errors=True)


def validate[I: Input](model: type[I], value: object) -> I:
    """Raises Invalid with every fault under its dotted path."""
    if not isinstance(value, Mapping):
        raise Invalid({"body": ["an object is expected"]})
    try:
        return model.model_validate(value)
    except ValidationError as error:
        faults: dict[str, list[str]] = {}
        for fault in error.errors(include_url=False, include_input=False, include_context=False):
            path = ".".join(str(step) for step in fault["loc"]) or "body"
            faults.setdefault(path, []).append(fault["msg"].removeprefix("Value error, "))
        raise Invalid(faults) from None


def _email(value: str) -> str:
    try:
        EmailValidator()(value)
    except DjangoValidationError:
        raise ValueError("not an e-mail address") from None
    return value


def _canonical(value: Any) -> Any:
    return canonical_email(value) if isinstance(value, str) else value


def _id(value: Any) -> UUID:
    parsed = parse_id(value) if isinstance(value, str) else None
    if parsed is None:
        raise ValueError("an id such as 0198f3a0-7c1e-7d3a-9a55-2f7d3c1b9e10 is expected")
    return parsed


def _moment(value: Any) -> datetime:
    if isinstance(value, str) and "T" in value.upper():
        try:
            moment = datetime.fromisoformat(value)
            if moment.tzinfo is not None:
                # In UTC from here on: PostgreSQL refuses an offset beyond 15:59, which Python and ISO 8601 allow.
                return moment.astimezone(UTC)
        except (ValueError, OverflowError):  # no time at all, or before the year 1 once in UTC
            pass
    raise ValueError("an ISO-8601 time with its zone is expected")


def _day(value: Any) -> date:
    if isinstance(value, str) and len(value) == len("2026-01-31"):
        try:
            return date.fromisoformat(value)
        except ValueError:
            pass
    raise ValueError("a date such as 2026-01-31 is expected")


def _money(value: Any) -> Money:
    if not isinstance(value, Mapping) or set(value) != {"amount", "currency"}:
        raise ValueError("an object with amount and currency is expected")
    try:
        return Money.parse(value["amount"], value["currency"])
    except MoneyError as error:
        raise ValueError(str(error)) from None


@lru_cache(maxsize=1)
def _time_zones() -> frozenset[str]:
    return frozenset(available_timezones())


def _time_zone(value: str) -> str:
    # A look into the list, never ZoneInfo(value): that opens a file of the name it is given.
    if value not in _time_zones():
        raise ValueError("a name of the IANA time zone database, such as Asia/Tbilisi, is expected")
    return value


MONEY_SCHEMA = {
    "type": "object",
    "properties": {
        "amount": {"type": "string", "pattern": r"^-?[0-9]+(\.[0-9]+)?$", "examples": ["12.50"]},
        "currency": {"type": "string", "pattern": "^[A-Z]{3}$", "examples": ["USD"]},
    },
    "required": ["amount", "currency"],
    "additionalProperties": False,
}


@dataclass(frozen=True, slots=True)
class _Line:
    """Not StringConstraints: in `title: Text = Field(max_length=100)` those are applied last and would win."""

    shortest: int
    longest: int

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        schema: dict[str, Any] = {**handler(source), "strip_whitespace": True}
        schema["min_length"] = max(schema.get("min_length", 0), self.shortest)
        schema["max_length"] = min(schema.get("max_length", self.longest), self.longest)
        return cast(CoreSchema, schema)


Text = Annotated[str, _Line(1, 200)]
"""A line of text, not blank. Narrow it with Field(max_length=...)."""
Email = Annotated[
    str,
    _Line(3, 254),
    AfterValidator(_email),
    Field(json_schema_extra={"format": "email"}),
]
CanonicalEmail = Annotated[Email, BeforeValidator(_canonical)]
"""Checked in the form that is stored: the canonical form of one character can be eighteen, or an @."""
Id = Annotated[UUID, BeforeValidator(_id), WithJsonSchema({"type": "string", "format": "uuid"})]
Moment = Annotated[datetime, BeforeValidator(_moment), WithJsonSchema({"type": "string", "format": "date-time"})]
Day = Annotated[date, BeforeValidator(_day), WithJsonSchema({"type": "string", "format": "date"})]
MoneyInput = Annotated[Money, PlainValidator(_money), WithJsonSchema(MONEY_SCHEMA)]
TimeZone = Annotated[
    str, Field(min_length=1, max_length=64), AfterValidator(_time_zone), Field(json_schema_extra={"examples": ["UTC"]})
]

"""How a setting is declared: one pydantic field, with the words a reader of its documentation needs."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, cast

from pydantic import BaseModel, ConfigDict, Field, SecretStr
from pydantic.fields import FieldInfo

from stoa.runtime.config.kinds import allowed_of, kind_of


class Section(BaseModel):
    """A category of settings. The environment's name of a field is its upper-case name."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=False, hide_input_in_errors=True)


def setting(
    default: Any,
    description: str,
    *,
    example: str,
    why: str,
    name: str = "",
    unit: str = "",
    secret: bool = False,
    aliases: tuple[str, ...] = (),
    **limits: Any,
) -> Any:
    """Declare one variable: `description` is one sentence, `aliases` are other names, tried in order after `name`.

    `example` is a value as one would write it; for a secret, the command that makes one or its form in <brackets>."""
    extra: dict[str, Any] = {
        "name": name,
        "unit": unit,
        "example": example,
        "why": why,
        "secret": secret,
        "aliases": list(aliases),
    }
    return Field(default, description=description, json_schema_extra=extra, **limits)


@dataclass(frozen=True, slots=True)
class Declaration:
    """One variable as documentation and the loader see it."""

    field: str
    name: str
    aliases: tuple[str, ...]
    category: str
    description: str
    why: str
    kind: str
    allowed: str
    unit: str
    example: str
    secret: bool
    default: object

    @property
    def names(self) -> tuple[str, ...]:
        return (self.name, *self.aliases)

    @property
    def is_pattern(self) -> bool:
        """One declaration for every variable that begins like its name: `FEATURE_*`."""
        return self.name.endswith("*")

    @property
    def default_text(self) -> str:
        """As one would write it in a file; empty for a secret, whatever its default."""
        if self.secret or self.default is None or self.is_pattern:
            return ""
        if isinstance(self.default, bool):
            return str(self.default).lower()
        if isinstance(self.default, tuple):
            return " ".join(str(item) for item in self.default)
        return str(self.default)


def declarations(settings: type[BaseModel]) -> Iterator[Declaration]:
    """Every variable of the composed settings class, category by category in the order of its bases."""
    for base in settings.__bases__:
        if issubclass(base, Section) and base is not Section:
            category = (base.__doc__ or base.__name__).partition("\n")[0].rstrip(".")
            for field in base.__annotations__:
                yield _declaration(field, settings.model_fields[field], category)


def _declaration(field: str, info: FieldInfo, category: str) -> Declaration:
    extra = cast(Mapping[str, Any], info.json_schema_extra)
    default = info.default.get_secret_value() if isinstance(info.default, SecretStr) else info.default
    return Declaration(
        field=field,
        name=extra["name"] or field.upper(),
        aliases=tuple(extra["aliases"]),
        category=category,
        description=info.description or "",
        why=extra["why"],
        kind=kind_of(info),
        allowed=allowed_of(info),
        unit=extra["unit"],
        example=extra["example"],
        secret=extra["secret"],
        default=default,
    )

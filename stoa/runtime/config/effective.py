"""What is in force and where it came from, fit to be shown to anyone."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pydantic import SecretStr

from stoa.runtime.config.loader import Loaded
from stoa.runtime.config.model import Settings
from stoa.runtime.config.registry import Declaration, declarations

MASK = "********"
UNSET = "(unset)"


@dataclass(frozen=True, slots=True)
class Effective:
    """A secret's `value` is MASK whatever its length; UNSET stands for none."""

    name: str
    value: str
    origin: str


def effective(loaded: Loaded, names: Sequence[str] = ()) -> list[Effective]:
    """All settings, or those asked for by name or alias in the order asked. Raises KeyError with an unknown name."""
    known = list(declarations(Settings))
    if names:
        by_name = {name: declaration for declaration in known for name in declaration.names}
        known = [by_name[name.upper()] for name in names]
    return [_effective(declaration, loaded) for declaration in known]


def _effective(declaration: Declaration, loaded: Loaded) -> Effective:
    return Effective(
        declaration.name,
        _shown(getattr(loaded.settings, declaration.field)),
        loaded.origins.get(declaration.field, "default"),
    )


def _shown(value: object) -> str:
    if value is None:
        return UNSET
    if isinstance(value, SecretStr):
        return MASK if value.get_secret_value() else UNSET
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Mapping):
        value = tuple(f"{name}={str(word).lower()}" for name, word in value.items())
    text = " ".join(str(item) for item in value) if isinstance(value, tuple) else str(value)
    return text or UNSET

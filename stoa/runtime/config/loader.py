"""The only reader of the environment: process environment over `.env`, names over aliases, files for secrets."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from dotenv import dotenv_values
from pydantic import ValidationError

from stoa.runtime.config.errors import ConfigurationError
from stoa.runtime.config.model import Settings
from stoa.runtime.config.production import refusals
from stoa.runtime.config.registry import Declaration, declarations


@dataclass(frozen=True, slots=True)
class Loaded:
    """`origins` maps a field to where its value came from; a field at its default is absent."""

    settings: Settings
    origins: Mapping[str, str]


def load(*, environ: Mapping[str, str] | None = None, dotenv: Path | None = Path(".env")) -> Loaded:
    """Read, check and freeze the configuration. An empty value counts as unset. Raises ConfigurationError."""
    layers: list[tuple[str, Mapping[str, str | None]]] = [("environment", os.environ if environ is None else environ)]
    faults: list[str] = []
    if dotenv is not None and dotenv.is_file():
        layers.append((str(dotenv), _read_dotenv(dotenv, faults)))
    values: dict[str, str] = {}
    origins: dict[str, str] = {}
    for declaration in declarations(Settings):
        found = _find(declaration, layers, faults)
        if found is not None:
            values[declaration.field], origins[declaration.field] = found
    try:
        settings = Settings.model_validate(values)
    except ValidationError as error:
        faults.extend(_sentences(error, origins))
        raise ConfigurationError(faults) from None
    faults.extend(refusals(settings, origins))
    if faults:
        raise ConfigurationError(faults)
    return Loaded(settings, origins)


def _read_dotenv(path: Path, faults: list[str]) -> Mapping[str, str | None]:
    try:
        return dotenv_values(path, interpolate=False)
    except (OSError, UnicodeDecodeError) as error:
        faults.append(f"{path}: cannot be read ({type(error).__name__})")
        return {}


def _find(
    declaration: Declaration, layers: list[tuple[str, Mapping[str, str | None]]], faults: list[str]
) -> tuple[str, str] | None:
    for origin, layer in layers:
        for name in declaration.names:
            if value := layer.get(name):
                return value, f"{origin} ({name})"
            if path := layer.get(f"{name}_FILE"):
                try:
                    return Path(path).read_text().strip(), f"file of {name}_FILE"
                except (OSError, UnicodeDecodeError) as error:
                    faults.append(f"{name}_FILE: the file cannot be read ({type(error).__name__})")
                    return None
    return None


def _sentences(error: ValidationError, origins: Mapping[str, str]) -> list[str]:
    names = {declaration.field: declaration for declaration in declarations(Settings)}
    sentences = []
    for fault in error.errors(include_url=False, include_input=False, include_context=False):
        field = str(fault["loc"][0])
        allowed = fault["msg"].removeprefix("Value error, ")
        allowed = allowed[:1].lower() + allowed[1:]
        sentences.append(f"{names[field].name}: {allowed} (from {origins.get(field, 'its default')})")
    return sentences

"""The only reader of the environment: process environment over `.env`, names over aliases, files for secrets."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from dotenv import dotenv_values
from pydantic import ValidationError

from stoa.runtime.config.checks import faults_of
from stoa.runtime.config.errors import ConfigurationError
from stoa.runtime.config.model import Settings
from stoa.runtime.config.production import refusals
from stoa.runtime.config.registry import Declaration, declarations
from stoa.runtime.config.unknown_names import remarks_on_unknown
from stoa.runtime.config.values import parse_switch


@dataclass(frozen=True, slots=True)
class Loaded:
    """`origins` maps a field to where its value came from; a field at its default is absent.

    `remarks` are sentences about names in `.env` that nothing reads."""

    settings: Settings
    origins: Mapping[str, str]
    remarks: tuple[str, ...] = ()


def load(*, environ: Mapping[str, str] | None = None, dotenv: Path | None = Path(".env")) -> Loaded:
    """Read, check and freeze the configuration. An empty value counts as unset. Raises ConfigurationError."""
    layers: list[tuple[str, Mapping[str, str | None]]] = [("environment", os.environ if environ is None else environ)]
    faults: list[str] = []
    remarks: list[str] = []
    known = list(declarations(Settings))
    if dotenv is not None and dotenv.is_file():
        layers.append((str(dotenv), _read_dotenv(dotenv, faults)))
        remarks = remarks_on_unknown(layers[-1][1], known, str(dotenv))
    values: dict[str, object] = {}
    origins: dict[str, str] = {}
    taken = {name for declaration in known for name in declaration.names}
    for declaration in known:
        if declaration.is_pattern:
            switches = _find_all(declaration.name.removesuffix("*"), layers, taken, faults)
            if switches:
                values[declaration.field] = {name: word for name, (word, _) in switches.items()}
                origins[declaration.field] = ", ".join(dict.fromkeys(origin for _, origin in switches.values()))
            continue
        found = _find(declaration, layers, faults)
        if found is not None:
            values[declaration.field], origins[declaration.field] = found
    try:
        settings = Settings.model_validate(values)
    except ValidationError as error:
        faults.extend(_sentences(error, origins))
        raise ConfigurationError(faults) from None
    faults.extend(faults_of(settings))
    faults.extend(refusals(settings, origins))
    if faults:
        raise ConfigurationError(faults)
    return Loaded(settings, origins, tuple(remarks))


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
            if layer.get(name) or layer.get(f"{name}_FILE"):
                return _find_one(name, origin, layer, faults)
    return None


def _find_one(name: str, origin: str, layer: Mapping[str, str | None], faults: list[str]) -> tuple[str, str] | None:
    if value := layer.get(name):
        return value, f"{origin} ({name})"
    path = layer.get(f"{name}_FILE")
    return _read_file(f"{name}_FILE", Path(path), faults) if path else None


def _find_all(
    prefix: str, layers: list[tuple[str, Mapping[str, str | None]]], taken: set[str], faults: list[str]
) -> dict[str, tuple[bool, str]]:
    """Name after the prefix, in lower case -> its switch and where that came from."""
    found: dict[str, tuple[bool, str]] = {}
    for origin, layer in layers:
        for name in layer:
            plain = name.removesuffix("_FILE")
            flag = plain.removeprefix(prefix).lower()
            if not (re.fullmatch(rf"{prefix}[A-Z0-9_]+", name) and layer[name]) or plain in taken or flag in found:
                continue
            given = _find_one(plain, origin, layer, faults)
            if given is None:
                continue
            try:
                found[flag] = parse_switch(given[0]), given[1]
            except ValueError as error:
                faults.append(f"{plain}: {error} (from {given[1]})")
    return dict(sorted(found.items()))


def _read_file(name: str, path: Path, faults: list[str]) -> tuple[str, str] | None:
    try:
        value = path.read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        faults.append(f"{name}: the file cannot be read ({type(error).__name__})")
        return None
    if not value:
        # Whoever mounts a secret means to set it; the default in its place would be a surprise.
        faults.append(f"{name}: the file is empty")
        return None
    return value, f"file of {name}"


def _sentences(error: ValidationError, origins: Mapping[str, str]) -> list[str]:
    """In the order of the documentation, which is not pydantic's."""
    allowed = {
        str(fault["loc"][0]): fault["msg"].removeprefix("Value error, ")
        for fault in error.errors(include_url=False, include_input=False, include_context=False)
    }
    return [
        f"{each.name}: {allowed[each.field][:1].lower()}{allowed[each.field][1:]} (from {origins[each.field]})"
        for each in declarations(Settings)
        if each.field in allowed
    ]


def load_for_tests(base: Mapping[str, str]) -> Loaded:
    """The suite's own configuration: `base`, and of the environment only where the services are.

    A server that a test starts says ENVIRONMENT=test, and then the whole environment it was given counts."""
    if os.environ.get("ENVIRONMENT") == "test":
        return load(environ={**base, **os.environ}, dotenv=None)
    services = {name: os.environ[name] for name in ("DATABASE_URL", "REDIS_URL") if name in os.environ}
    return load(environ={**base, **services}, dotenv=None)

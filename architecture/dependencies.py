"""What may be installed: licences of the default install, a reason for each direct dependency, floors that hold."""

import re
import tomllib
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

_ALLOWED = {
    *("MIT", "MIT-0", "MIT-CMU", "ISC", "PSF-2.0", "MPL-2.0", "Apache-2.0", "0BSD"),
    *("BSD", "New BSD", "BSD-2-Clause", "BSD-3-Clause", "BSD 3-Clause", "BSD 2-Clause License"),
    *("BSD License", "MIT License", "ISC License (ISCL)", "Apache Software License"),
    *("Python Software Foundation License", "Mozilla Public License 2.0 (MPL 2.0)"),
}
_LGPL = {"LGPL-3.0-only", "LGPLv3"}
_LGPL_ALLOWED_FOR = {"psycopg", "psycopg-binary", "psycopg-pool", "python-crontab"}


def direct_requirements(root: Path, *, extras: bool) -> dict[str, Requirement]:
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    lines = list(project["dependencies"])
    if extras:
        lines += [line for group in project.get("optional-dependencies", {}).values() for line in group]
    return {canonicalize_name(found.name): found for found in map(Requirement, lines)}


def default_install(root: Path, path: list[str] | None = None) -> tuple[dict[str, metadata.Distribution], list[str]]:
    """Every distribution that a plain install brings, and what of it is not installed here.

    `path` is where to look, as sys.path."""
    found = metadata.distributions(path=path) if path is not None else metadata.distributions()
    present = {canonicalize_name(distribution.name): distribution for distribution in found}
    reached: dict[str, metadata.Distribution] = {}
    missing: list[str] = []
    pending = list(direct_requirements(root, extras=False).values())
    seen: set[tuple[str, str]] = set()
    while pending:
        wanted = pending.pop()
        for extra in wanted.extras or {""}:
            name = canonicalize_name(wanted.name)
            if (name, extra) in seen:
                continue
            seen.add((name, extra))
            if name not in present:
                missing.append(name)
                continue
            reached[name] = present[name]
            needs = map(Requirement, present[name].requires or [])
            pending += [need for need in needs if need.marker is None or need.marker.evaluate({"extra": extra})]
    return reached, sorted(missing)


def licence_faults(distributions: Mapping[str, metadata.Distribution]) -> list[str]:
    faults = []
    for name, distribution in sorted(distributions.items()):
        said = licences_of(distribution)
        if not said:
            faults.append(f"{name}: says nothing of its licence")
        elif not all(any(_is_allowed(licence, name) for licence in choice) for choice in said):
            faults.append(f"{name}: {' and '.join(' or '.join(choice) for choice in said)} is not allowed")
    return faults


def licences_of(distribution: metadata.Distribution) -> list[list[str]]:
    """Conjunction of choices. The SPDX expression where there is one, else the classifiers, else the free text.

    Splitting on AND before OR without parentheses can only be stricter than the expression, never laxer."""
    told = distribution.metadata
    classifiers = [line for line in told.get_all("Classifier") or [] if line.startswith("License ::")]
    expression = told.get("License-Expression")
    if not expression and classifiers:
        return [[line.split(" :: ")[-1]] for line in classifiers]
    text = expression or (told.get("License") or "").strip().partition("\n")[0]
    parts = [part for part in re.split(r"\s+AND\s+", text.replace("(", "").replace(")", "")) if part.strip()]
    return [[choice.strip() for choice in re.split(r"\s+OR\s+", part)] for part in parts]


def _is_allowed(licence: str, name: str) -> bool:
    return licence in _ALLOWED or (licence in _LGPL and name in _LGPL_ALLOWED_FOR)


def unexplained(root: Path) -> list[str]:
    """Direct dependencies without a line in docs/decisions/dependencies.md, and lines without a dependency."""
    text = (root / "docs" / "decisions" / "dependencies.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `?([A-Za-z0-9_.-]+)`? \| ([^|]+) \| ([^|]+) \|$", text, flags=re.MULTILINE)
    explained = {canonicalize_name(name) for name, _, why in rows if len(why.split()) > 3}
    direct = set(direct_requirements(root, extras=True))
    return [
        *(f"{name}: no line in dependencies.md says why" for name in sorted(direct - explained)),
        *(f"{name}: explained in dependencies.md but not depended on" for name in sorted(explained - direct)),
    ]


def floor_faults(root: Path) -> list[str]:
    """Each direct dependency has a floor, and the lock stands at or above it.

    A resolver under a cap falls back to fossils (django-celery-beat 2.1.0 of 2020 was seen); a floor stops it."""
    lock: dict[str, Any] = tomllib.loads((root / "uv.lock").read_text(encoding="utf-8"))
    locked = {package["name"]: package.get("version", "") for package in lock["package"]}
    faults = []
    for name, requirement in sorted(direct_requirements(root, extras=True).items()):
        floors = [spec.version for spec in requirement.specifier if spec.operator in {">=", "~=", "=="}]
        if not floors:
            faults.append(f"{name}: has no floor in pyproject.toml")
        elif name not in locked:
            faults.append(f"{name}: is not in uv.lock")
        elif Version(locked[name]) < max(map(Version, floors)):
            faults.append(f"{name}: {locked[name]} in uv.lock is below its floor {max(floors)}")
    return faults

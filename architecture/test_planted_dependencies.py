"""Licences, reasons and floors: each rule sees the fault that it is there for."""

from pathlib import Path

import pytest

from architecture import dependencies

_LOCK = '[[package]]\nname = "{name}"\nversion = "{version}"\n'


def _project(root: Path, *dependencies: str, explained: str = "", lock: str = "") -> Path:
    listed = ", ".join(f'"{line}"' for line in dependencies)
    (root / "pyproject.toml").write_text(f'[project]\nname = "stoa"\ndependencies = [{listed}]\n')
    (root / "uv.lock").write_text(f"version = 1\n{lock}")
    (root / "docs" / "decisions").mkdir(parents=True)
    (root / "docs" / "decisions" / "dependencies.md").write_text(explained)
    return root


def _install(site: Path, name: str, *headers: str) -> None:
    folder = site / f"{name}-1.0.dist-info"
    folder.mkdir(parents=True)
    (folder / "METADATA").write_text(
        "\n".join(["Metadata-Version: 2.4", f"Name: {name}", "Version: 1.0", *headers, ""])
    )


def _licence_faults(root: Path, site: Path) -> list[str]:
    distributions, missing = dependencies.default_install(root, [str(site)])
    assert missing == []
    return dependencies.licence_faults(distributions)


@pytest.mark.parametrize(
    ("headers", "report"),
    [
        (["License-Expression: GPL-3.0-or-later"], "leaf: GPL-3.0-or-later is not allowed"),
        (["License-Expression: MIT AND AGPL-3.0-only"], "leaf: MIT and AGPL-3.0-only is not allowed"),
        (["License-Expression: LGPL-3.0-only"], "leaf: LGPL-3.0-only is not allowed"),
        (["License: GPL v3"], "leaf: GPL v3 is not allowed"),
        (
            ["License: MIT", "Classifier: License :: OSI Approved :: GNU Affero General Public License v3"],
            "leaf: GNU Affero General Public License v3 is not allowed",
        ),
        ([], "leaf: says nothing of its licence"),
    ],
)
def test_a_licence_is_refused_wherever_it_hides(headers: list[str], report: str, tmp_path: Path) -> None:
    """The leaf is a dependency of a dependency, behind an extra, as a real one would be."""
    root, site = _project(tmp_path, "Trunk[more]>=1"), tmp_path / "site"
    _install(
        site, "trunk", "License-Expression: MIT", 'Requires-Dist: leaf>=1; extra == "more"', "Provides-Extra: more"
    )
    _install(site, "leaf", *headers)
    assert _licence_faults(root, site) == [report]


@pytest.mark.parametrize(
    ("name", "header"),
    [
        ("leaf", "License-Expression: MPL-2.0 AND (Apache-2.0 OR MIT)"),
        ("leaf", "License-Expression: GPL-2.0-only OR BSD-3-Clause"),
        ("psycopg-pool", "License-Expression: LGPL-3.0-only"),
    ],
)
def test_what_is_allowed_passes(name: str, header: str, tmp_path: Path) -> None:
    root, site = _project(tmp_path, f"{name}>=1"), tmp_path / "site"
    _install(site, name, header)
    assert _licence_faults(root, site) == []


def test_what_an_unasked_extra_would_bring_is_not_judged(tmp_path: Path) -> None:
    root, site = _project(tmp_path, "trunk>=1"), tmp_path / "site"
    _install(site, "trunk", "License-Expression: MIT", 'Requires-Dist: leaf; extra == "more"', "Provides-Extra: more")
    _install(site, "leaf", "License-Expression: GPL-3.0-only")
    assert _licence_faults(root, site) == []


def test_what_is_not_installed_is_not_passed_over(tmp_path: Path) -> None:
    root = _project(tmp_path, "absent>=1")
    assert dependencies.default_install(root, [str(tmp_path / "site")]) == ({}, ["absent"])


def test_a_dependency_needs_a_reason_and_a_reason_a_dependency(tmp_path: Path) -> None:
    table = "| `kept` | MIT | because it does one thing well |\n| `gone` | MIT | because it once did something |\n"
    root = _project(tmp_path, "kept>=1", "new>=1", explained=table)
    assert dependencies.unexplained(root) == [
        "new: no line in dependencies.md says why",
        "gone: explained in dependencies.md but not depended on",
    ]


def test_a_fossil_in_the_lock_is_reported(tmp_path: Path) -> None:
    lock = _LOCK.format(name="fossil", version="2.1.0") + _LOCK.format(name="fresh", version="2.10")
    root = _project(tmp_path, "fossil>=2.8,<3", "fresh>=2.9", "floorless<3", "absent>=1", lock=lock)
    assert dependencies.floor_faults(root) == [
        "absent: is not in uv.lock",
        "floorless: has no floor in pyproject.toml",
        "fossil: 2.1.0 in uv.lock is below its floor 2.8",
    ]

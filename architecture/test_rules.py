"""The repository keeps its rules. That each rule can fail is shown in test_planted_*.py."""

from collections.abc import Callable
from pathlib import Path

import pytest
from django.apps import apps

from architecture import app_rules, dependencies, file_rules, known_failures
from architecture.floors import app_floors, map_faults
from architecture.foreign_keys import relation_faults
from architecture.routes import access_faults, served_routes
from architecture.scratch import Scratch


@pytest.mark.parametrize(
    "rule",
    [
        file_rules.packages_with_code,
        file_rules.folders_without_package_file,
        file_rules.oversized,
        file_rules.refused_names,
        file_rules.broad_excepts,
        file_rules.environment_readers,
        app_rules.wide_publics,
        app_rules.long_views,
        app_rules.positional_services,
        map_faults,
        dependencies.unexplained,
        dependencies.floor_faults,
        known_failures.unmapped_failures,
    ],
    ids=lambda rule: rule.__name__,
)
def test_the_repository_keeps_the_rule(rule: Callable[[Path], list[str]], root: Path) -> None:
    assert rule(root) == []


def test_import_contracts_are_kept(root: Path) -> None:
    ran = Scratch(root).lint_imports()
    assert ran.code == 0, ran.text
    assert "Contracts: 7 kept, 0 broken." in ran.text


def test_relations_between_apps_point_down_and_never_cascade(root: Path) -> None:
    models = list(apps.get_models())
    assert "User" in {model.__name__ for model in models}
    assert relation_faults(models, app_floors(root)) == []


def test_every_route_declares_its_access() -> None:
    routes = served_routes()
    assert "api/v1/users/me" in {route for route, _ in routes}
    assert access_faults(routes) == []


def test_the_default_install_has_only_allowed_licences(root: Path) -> None:
    distributions, missing = dependencies.default_install(root)
    assert missing == []
    assert {"django", "psycopg", "orjson", "pydantic-core"} <= set(distributions)
    assert dependencies.licence_faults(distributions) == []

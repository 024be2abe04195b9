"""Each rule on source files is broken in a scratch copy, and reports the planted fault and nothing else."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from architecture import app_rules, file_rules
from architecture.scratch import Scratch

type Rule = Callable[[Path], list[str]]


@dataclass(frozen=True, slots=True)
class Fault:
    rule: Rule
    file: str
    text: str
    report: str


_APP = "stoa/apps/planted"
_LONG_FUNCTION = "def grow():\n" + "    x = 1\n" * 80
_VIEW = '@routes.get("x")\ndef show(request):\n    """Not counted."""\n'

_FAULTS = {
    "code_in_a_package_file": Fault(
        file_rules.packages_with_code,
        f"{_APP}/rest/__init__.py",
        '"""Fine."""\nfrom stoa.kit import ids\n',
        f"{_APP}/rest/__init__.py: holds more or less than one docstring",
    ),
    "empty_package_file": Fault(
        file_rules.packages_with_code,
        f"{_APP}/rest/__init__.py",
        "",
        f"{_APP}/rest/__init__.py: holds more or less than one docstring",
    ),
    "file_over_600_lines": Fault(
        file_rules.oversized, f"{_APP}/models.py", "X = 1\n" * 601, f"{_APP}/models.py: 601 lines, at most 600"
    ),
    "function_over_80_lines": Fault(
        file_rules.oversized, f"{_APP}/models.py", _LONG_FUNCTION, f"{_APP}/models.py:1 grow: 81 lines, at most 80"
    ),
    "module_named_helpers": Fault(
        file_rules.refused_names,
        f"{_APP}/http_helpers.py",
        "X = 1\n",
        f"{_APP}/http_helpers.py: the name 'http_helpers' is refused",
    ),
    "class_named_manager": Fault(
        file_rules.refused_names,
        f"{_APP}/models.py",
        "class PostManager:\n    pass\n",
        f"{_APP}/models.py:1: the name 'PostManager' is refused",
    ),
    "function_named_process_": Fault(
        file_rules.refused_names,
        f"{_APP}/services.py",
        "def process_order():\n    pass\n",
        f"{_APP}/services.py:1: the name 'process_order' is refused",
    ),
    "private_function_named_handle_": Fault(
        file_rules.refused_names,
        f"{_APP}/services.py",
        "def _handle_order():\n    pass\n",
        f"{_APP}/services.py:1: the name '_handle_order' is refused",
    ),
    "function_named_2": Fault(
        file_rules.refused_names,
        f"{_APP}/services.py",
        "async def place_order_2():\n    pass\n",
        f"{_APP}/services.py:1: the name 'place_order_2' is refused",
    ),
    "broad_except_that_logs": Fault(
        file_rules.broad_excepts,
        f"{_APP}/services.py",
        "try:\n    f()\nexcept (KeyError, Exception):\n    log.exception('oh')\n",
        f"{_APP}/services.py:3: a broad except without its reason",
    ),
    "broad_except_with_a_bare_noqa": Fault(
        file_rules.broad_excepts,
        f"{_APP}/services.py",
        "try:\n    f()\nexcept Exception:  # noqa: BLE001\n    pass\n",
        f"{_APP}/services.py:3: a broad except without its reason",
    ),
    "os_environ": Fault(
        file_rules.environment_readers,
        f"{_APP}/services.py",
        'import os\nX = os.environ["X"]\n',
        f"{_APP}/services.py:2: reads the environment (os.environ)",
    ),
    "getenv_under_another_name": Fault(
        file_rules.environment_readers,
        f"{_APP}/services.py",
        'import os as system\nX = system.getenv("X")\n',
        f"{_APP}/services.py:2: reads the environment (os.getenv)",
    ),
    "imported_environ": Fault(
        file_rules.environment_readers,
        f"{_APP}/services.py",
        "from os import environ as e\n",
        f"{_APP}/services.py:1: reads the environment (from os import environ)",
    ),
    "environ_by_getattr": Fault(
        file_rules.environment_readers,
        f"{_APP}/services.py",
        'import os\nX = getattr(os, "environ")\n',
        f"{_APP}/services.py:2: reads the environment (getattr)",
    ),
    "dotenv_elsewhere": Fault(
        file_rules.environment_readers,
        f"{_APP}/services.py",
        "from dotenv import dotenv_values\n",
        f"{_APP}/services.py:1: reads the environment (dotenv)",
    ),
    "public_of_16_functions": Fault(
        app_rules.wide_publics,
        f"{_APP}/public.py",
        "".join(f"def f{number}(): ...\n" for number in range(16)) + "def _private(): ...\n",
        f"{_APP}/public.py: 16 public functions, at most 15",
    ),
    "view_of_16_lines": Fault(
        app_rules.long_views,
        f"{_APP}/http.py",
        _VIEW + "    x = 1\n" * 15,
        f"{_APP}/http.py:2 show: 16 lines, a view has at most 15",
    ),
    "view_method_of_16_lines_in_a_split_module": Fault(
        app_rules.long_views,
        f"{_APP}/http/orders.py",
        "class Orders:\n    def post(self, request):\n" + "        x = 1\n" * 15,
        f"{_APP}/http/orders.py:2 post: 16 lines, a view has at most 15",
    ),
    "positional_service": Fault(
        app_rules.positional_services,
        f"{_APP}/services.py",
        "def place_order(order_id, *, by): ...\n",
        f"{_APP}/services.py:1 place_order: takes order_id by position",
    ),
    "positional_service_in_a_split_module": Fault(
        app_rules.positional_services,
        f"{_APP}/services/orders.py",
        "def place_order(*order_ids): ...\n",
        f"{_APP}/services/orders.py:1 place_order: takes *order_ids by position",
    ),
}
# At the limit, or outside the rule: these must pass, or the rules above would be right by accident.
_ALLOWED = {
    "600_lines": (file_rules.oversized, f"{_APP}/models.py", "X = 1\n" * 600),
    "80_lines": (file_rules.oversized, f"{_APP}/models.py", _LONG_FUNCTION.removesuffix("    x = 1\n")),
    "long_migration": (file_rules.oversized, f"{_APP}/migrations/0001_initial.py", "X = 1\n" * 700),
    "broad_except_with_its_reason": (
        file_rules.broad_excepts,
        f"{_APP}/tasks.py",
        "try:\n    f()\nexcept Exception:  # noqa: BLE001 - a runner: parks the row\n    pass\n",
    ),
    "broad_except_that_raises_again": (
        file_rules.broad_excepts,
        f"{_APP}/tasks.py",
        "try:\n    f()\nexcept BaseException:\n    undo()\n    raise\n",
    ),
    "class_about_a_handle": (file_rules.refused_names, f"{_APP}/errors.py", "class HandleTaken: ...\n"),
    "framework_hook": (file_rules.refused_names, f"{_APP}/http.py", "def handle_exception(): ...\n"),
    "environ_of_a_request": (file_rules.environment_readers, f"{_APP}/http.py", "def f(r): return r.environ\n"),
    "15_public_functions": (
        app_rules.wide_publics,
        f"{_APP}/public.py",
        "".join(f"def f{number}(): ...\n" for number in range(15)),
    ),
    "view_of_15_lines": (app_rules.long_views, f"{_APP}/http.py", _VIEW + "    x = 1\n" * 14),
    "keyword_service": (app_rules.positional_services, f"{_APP}/services.py", "def f(*, a, b): ...\n"),
}


@pytest.fixture(scope="module")
def before(scratch: Scratch) -> Callable[[Rule], list[str]]:
    """What a rule reports on the copy with nothing planted, worked out once."""
    return cache(lambda rule: rule(scratch.root))


def _new_faults(scratch: Scratch, before: list[str], rule: Rule, file: str, text: str) -> list[str]:
    scratch.plant(file, text)
    try:
        return [fault for fault in rule(scratch.root) if fault not in before]
    finally:
        (scratch.root / file).unlink()


@pytest.mark.parametrize("name", _FAULTS)
def test_the_fault_is_reported(name: str, scratch: Scratch, before: Callable[[Rule], list[str]]) -> None:
    fault = _FAULTS[name]
    assert _new_faults(scratch, before(fault.rule), fault.rule, fault.file, fault.text) == [fault.report]


@pytest.mark.parametrize("name", _ALLOWED)
def test_what_is_allowed_passes(name: str, scratch: Scratch, before: Callable[[Rule], list[str]]) -> None:
    rule, file, text = _ALLOWED[name]
    assert _new_faults(scratch, before(rule), rule, file, text) == []


def test_a_folder_that_contracts_cannot_see_is_reported(scratch: Scratch) -> None:
    hidden = scratch.root / "stoa" / "kit" / "hidden"
    hidden.mkdir()
    (hidden / "box.py").write_text("X = 1\n")
    assert file_rules.folders_without_package_file(scratch.root) == ["stoa/kit/hidden: has no __init__.py"]

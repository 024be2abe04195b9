"""Rules that any file of ours keeps: docstring-only packages, sizes, names, one reader of the environment.

Each rule takes a root folder and returns its faults as sentences that begin with the file, so that a test can hand it
a scratch copy with a planted fault.
"""

import ast
import re
import statistics
from collections.abc import Iterator
from pathlib import Path

from architecture.sources import OWN_FOLDERS, FunctionNode, Source, own_lines, sources

FILE_LIMIT = 600
FUNCTION_LIMIT = 80

_REFUSED_WORDS = {"util", "utils", "helper", "helpers", "common", "manager", "managers"}
_REFUSED_STARTS = ("handle_", "process_")
# Hooks that Django, DRF, httpx and the standard library call by these names.
_FRAMEWORK_HOOKS = {
    "handleError",
    "handle_error",
    "handle_exception",
    "handle_no_permission",
    "handle_request",
    "process_exception",
    "process_request",
    "process_response",
    "process_template_response",
    "process_view",
}
_READERS = {"environ", "environb", "getenv", "getenvb", "putenv", "unsetenv"}
_THE_READER = "stoa/runtime/config/loader.py"


def packages_with_code(root: Path) -> list[str]:
    """Import contracts do not see what a package imports as such, so a package file holds its docstring only."""
    faults = []
    for source in sources(root, "stoa"):
        if source.path.name == "__init__.py" and not _is_docstring_only(source.tree):
            faults.append(f"{source.name}: holds more or less than one docstring")
    return faults


def _is_docstring_only(tree: ast.Module) -> bool:
    match tree.body:
        case [ast.Expr(value=ast.Constant(value=str() as text))]:
            return bool(text.strip())
    return False


def folders_without_package_file(root: Path) -> list[str]:
    """A folder of modules without `__init__.py` is invisible to the import contracts. Tests may go without."""
    folders = sorted({source.path.parent for source in sources(root, "stoa")})
    unseen = [folder for folder in folders if not (folder / "__init__.py").is_file() and "tests" not in folder.parts]
    return [f"{folder.relative_to(root).as_posix()}: has no __init__.py" for folder in unseen]


def oversized(root: Path) -> list[str]:
    faults = []
    for source in _measured(root):
        if source.line_count > FILE_LIMIT:
            faults.append(f"{source.name}: {source.line_count} lines, at most {FILE_LIMIT}")
        for node in source.functions():
            if (length := own_lines(node)) > FUNCTION_LIMIT:
                faults.append(f"{source.name}:{node.lineno} {node.name}: {length} lines, at most {FUNCTION_LIMIT}")
    return faults


def _measured(root: Path) -> list[Source]:
    """Migrations are history, not code that anyone reads to change it."""
    return [source for source in sources(root, *OWN_FOLDERS) if "migrations" not in source.path.parts]


def size_report(root: Path) -> str:
    """One line: where the files of stoa stand against the aim of house.md (median < 100, 95th percentile < 400)."""
    lines = [source.line_count for source in _measured(root) if source.name.startswith("stoa/")]
    modules = [count for count in lines if count > 1]
    p95 = statistics.quantiles(modules, n=20, method="inclusive")[-1]
    median = statistics.median(modules)
    return f"{len(modules)} modules: median {median:.0f} lines (aim < 100), 95th percentile {p95:.0f} (aim < 400)"


def refused_names(root: Path) -> list[str]:
    """Names that say nothing: utils, helpers, common, manager, handle_, process_, _2."""
    faults = []
    for source in sources(root, "stoa", "architecture", "scripts"):
        below = source.path.relative_to(root).with_suffix("").parts
        faults += [f"{source.name}: the name {part!r} is refused" for part in below if _is_refused(part)]
        refused: list[ast.ClassDef | FunctionNode] = [node for node in source.functions() if _is_refused(node.name)]
        # A class is a noun: HandleTaken is about a person's handle, handle_order() is about nothing.
        classes = [node for node in ast.walk(source.tree) if isinstance(node, ast.ClassDef)]
        refused += [node for node in classes if _says_nothing(node.name)]
        faults += [f"{source.name}:{node.lineno}: the name {node.name!r} is refused" for node in refused]
    return faults


def _is_refused(name: str) -> bool:
    return name not in _FRAMEWORK_HOOKS and (name.lstrip("_").startswith(_REFUSED_STARTS) or _says_nothing(name))


def _says_nothing(name: str) -> bool:
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower().split("_")
    return words[-1] == "2" or not _REFUSED_WORDS.isdisjoint(words)


def broad_excepts(root: Path) -> list[str]:
    """`except Exception` belongs to runners and process boundaries, and says on its line why it is one.

    ruff's BLE001 lets it pass as soon as something is logged; a swallowed fault that is logged is still swallowed."""
    faults = []
    for source in sources(root, "stoa"):
        lines = source.text.splitlines()
        for node in ast.walk(source.tree):
            if not isinstance(node, ast.ExceptHandler) or not _is_broad(node) or _raises_again(node):
                continue
            reason = lines[node.lineno - 1].partition("#")[2].removeprefix(" noqa: BLE001")
            if len(reason.split()) < 3:
                faults.append(f"{source.name}:{node.lineno}: a broad except without its reason")
    return faults


def _is_broad(node: ast.ExceptHandler) -> bool:
    caught = node.type.elts if isinstance(node.type, ast.Tuple) else [node.type]
    return any(type_ is None or ast.unparse(type_) in {"Exception", "BaseException"} for type_ in caught)


def _raises_again(node: ast.ExceptHandler) -> bool:
    return isinstance(node.body[-1], ast.Raise) and node.body[-1].exc is None


def environment_readers(root: Path) -> list[str]:
    """Only the configuration's loader reads the environment or `.env`; everything else asks it."""
    faults = []
    for source in sources(root, "stoa"):
        if source.name != _THE_READER:
            faults += [f"{source.name}:{line}: reads the environment ({what})" for line, what in _reads(source.tree)]
    return faults


def _reads(tree: ast.Module) -> Iterator[tuple[int, str]]:
    modules = {"os", "posix"}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name in {"os", "posix"} and alias.asname:
                    modules.add(alias.asname)
                if alias.name.split(".")[0] == "dotenv":
                    yield node.lineno, "dotenv"
        elif isinstance(node, ast.ImportFrom):
            if node.module == "dotenv":
                yield node.lineno, "dotenv"
            if node.module in {"os", "posix"}:
                for alias in node.names:
                    if alias.name in _READERS:
                        yield node.lineno, f"from os import {alias.name}"
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in modules:
            if node.attr in _READERS:
                yield node.lineno, f"os.{node.attr}"
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "getattr":
            if any(isinstance(argument, ast.Constant) and argument.value in _READERS for argument in node.args):
                yield node.lineno, "getattr"

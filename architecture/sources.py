"""The source tree as the rules see it: which files, parsed once."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

OWN_FOLDERS = ("stoa", "architecture", "scripts", "tests", "benchmarks")

type FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Source:
    root: Path
    path: Path

    @property
    def name(self) -> str:
        """The path below the root, with slashes: how a fault names its file."""
        return self.path.relative_to(self.root).as_posix()

    @cached_property
    def text(self) -> str:
        return self.path.read_text(encoding="utf-8")

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text, filename=self.name)

    @property
    def line_count(self) -> int:
        return len(self.text.splitlines())

    def functions(self) -> Iterator[FunctionNode]:
        for node in ast.walk(self.tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield node

    def top_functions(self) -> list[FunctionNode]:
        """The functions of the module itself that a caller may use."""
        nodes = [node for node in self.tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
        return [node for node in nodes if not node.name.startswith("_")]


def sources(root: Path, *folders: str) -> list[Source]:
    """Python files below the folders, in order; what is generated or installed is not ours to judge."""
    paths = (path for folder in folders for path in (root / folder).rglob("*.py"))
    return [Source(root, path) for path in sorted(paths) if "node_modules" not in path.parts]


def app_sources(root: Path, module: str) -> list[Source]:
    """`stoa/apps/*/<module>.py`, and every file of the package `<module>/` where it has been split."""
    apps = root / "stoa" / "apps"
    found = [*apps.glob(f"*/{module}.py"), *apps.glob(f"*/{module}/**/*.py")]
    return [Source(root, path) for path in sorted(found) if path.name != "__init__.py"]


def own_lines(node: FunctionNode) -> int:
    """Lines from `def` to the end, the docstring not counted: prose is never a reason to shorten code."""
    length = (node.end_lineno or node.lineno) - node.lineno + 1
    first = node.body[0]
    if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str):
        length -= (first.end_lineno or first.lineno) - first.lineno + 1
    return length

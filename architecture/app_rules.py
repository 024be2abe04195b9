"""Rules of the files inside an app: a small public surface, short views, keyword-only services."""

from pathlib import Path

from architecture.sources import FunctionNode, app_sources, own_lines

PUBLIC_FUNCTIONS = 15
VIEW_LINES = 15

_HTTP_METHODS = {"get", "post", "put", "patch", "delete"}


def wide_publics(root: Path) -> list[str]:
    faults = []
    for source in app_sources(root, "public"):
        if (count := len(source.top_functions())) > PUBLIC_FUNCTIONS:
            faults.append(f"{source.name}: {count} public functions, at most {PUBLIC_FUNCTIONS}")
    return faults


def long_views(root: Path) -> list[str]:
    """A view parses, authorises, calls and shapes; what takes more lines belongs below. Docstrings do not count."""
    faults = []
    for source in app_sources(root, "http"):
        for node in source.functions():
            if _is_view(node) and (length := own_lines(node)) > VIEW_LINES:
                faults.append(
                    f"{source.name}:{node.lineno} {node.name}: {length} lines, a view has at most {VIEW_LINES}"
                )
    return faults


def _is_view(node: FunctionNode) -> bool:
    """Declared by a route decorator, or a method named after an HTTP method."""
    return bool(node.decorator_list) or node.name in _HTTP_METHODS


def positional_services(root: Path) -> list[str]:
    """A use case is called by keyword: two ids in the wrong order are otherwise a silent fault."""
    faults = []
    for source in app_sources(root, "services"):
        for node in source.top_functions():
            given = [argument.arg for argument in (*node.args.posonlyargs, *node.args.args)]
            if node.args.vararg is not None:
                given.append(f"*{node.args.vararg.arg}")
            if given:
                faults.append(f"{source.name}:{node.lineno} {node.name}: takes {', '.join(given)} by position")
    return faults

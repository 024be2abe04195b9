"""Import contract: an app sees only the surface modules of another app; tests may also use its tests' factories."""

from collections.abc import Iterator
from typing import Any

from grimp import ImportGraph
from importlinter import Contract, ContractCheck, fields, output


class SurfaceContract(Contract):
    type_name = "surface"

    container = fields.ModuleField()
    surface = fields.SetField(subfield=fields.StringField())

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:
        broken = sorted(self._crossings(graph))
        return ContractCheck(kept=not broken, metadata={"broken": broken})

    def render_broken_contract(self, check: ContractCheck) -> None:
        for line in check.metadata["broken"]:
            output.print_error(line)

    def _crossings(self, graph: ImportGraph) -> Iterator[str]:
        container: Any = self.container
        surface: Any = self.surface
        prefix = f"{container.name}."
        for importer in graph.modules:
            if not importer.startswith(prefix):
                continue
            owner, _, place = importer.removeprefix(prefix).partition(".")
            allowed = surface | {"tests"} if place.split(".")[0] == "tests" else surface
            for imported in graph.find_modules_directly_imported_by(importer):
                if not imported.startswith(prefix):
                    continue
                target, _, inside = imported.removeprefix(prefix).partition(".")
                if target != owner and inside.split(".")[0] not in allowed:
                    yield f"{importer} -> {imported}"

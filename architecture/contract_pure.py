"""Import contract: `forbidden`, for modules of which some are not built yet.

import-linter refuses a source module that does not exist, rightly: a typing error would switch a contract off.
`built_later` names the few that are announced; they are checked from the day they appear.
"""

from typing import Any

from grimp import ImportGraph
from importlinter import ContractCheck, fields
from importlinter.contracts.forbidden import ForbiddenContract
from importlinter.domain.imports import ModuleExpression


class PureContract(ForbiddenContract):
    type_name = "pure"

    source_modules = fields.SetField(subfield=fields.ModuleExpressionField(), required=False)
    built_later = fields.SetField(subfield=fields.StringField(), required=False)

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:
        listed: Any = self.source_modules
        announced: Any = self.built_later
        built = {ModuleExpression(name) for name in announced or () if name in graph.modules}
        vars(self)["source_modules"] = {*(listed or ()), *built}
        return super().check(graph, verbose)

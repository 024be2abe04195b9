"""The base of everything that crosses a border: a frozen, keyword-only dataclass.

orjson writes a dataclass natively, and its fields give the exact schema; a model or a dict gives neither.
"""

from dataclasses import dataclass
from typing import ClassVar, dataclass_transform


@dataclass_transform(frozen_default=True, kw_only_default=True)
class Contract:
    """Subclass with annotated fields only: primitives, ids, datetimes, Money and other contracts."""

    __pydantic_config__: ClassVar = {"arbitrary_types_allowed": True}
    """Only for the schema generator, which meets Money here; kit itself does not know pydantic."""

    def __init_subclass__(cls) -> None:
        dataclass(frozen=True, kw_only=True)(cls)

"""What a field accepts, in the words of its documentation."""

from collections.abc import Mapping
from types import UnionType
from typing import Literal, TypeAliasType, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt
from pydantic import SecretStr
from pydantic.fields import FieldInfo

from stoa.runtime.config.values import RATE_FORM

_KINDS: dict[object, str] = {bool: "switch", int: "whole number", float: "number", str: "text", SecretStr: "text"}


def kind_of(info: FieldInfo) -> str:
    form = _form(info.annotation)
    if RATE_FORM in info.metadata:
        return "rate"
    if get_origin(form) is tuple:
        return "list"
    if get_origin(form) is Mapping:
        return "switch"
    return "choice" if get_origin(form) is Literal else _KINDS[form]


def allowed_of(info: FieldInfo) -> str:
    """The values that are accepted; empty when any text is."""
    form = _form(info.annotation)
    match kind_of(info):
        case "choice":
            return ", ".join(f"`{choice}`" for choice in get_args(form))
        case "switch":
            return "`true`, `1`, `yes`, `on`; `false`, `0`, `no`, `off`"
        case "list":
            return "any number of words, commas or spaces between"
        case "rate":
            return "a whole number, a slash, and `s`, `min`, `hour` or `day`"
    return " and ".join(limit for item in info.metadata if (limit := _limit(item)))


def _form(annotation: object) -> object:
    """Without `| None`, which says only that it may stay unset, and with the alias resolved."""
    if isinstance(annotation, TypeAliasType):
        return _form(annotation.__value__)
    if isinstance(annotation, UnionType):
        return next(_form(part) for part in get_args(annotation) if part is not type(None))
    return annotation


def _limit(item: object) -> str:
    match item:
        case Ge(ge=least):
            return f"at least {least}"
        case Gt(gt=bound):
            return f"more than {bound}"
        case Le(le=most):
            return f"at most {most}"
        case Lt(lt=bound):
            return f"less than {bound}"
    return ""

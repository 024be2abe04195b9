"""Fields that several routes of accounts read, in the form that is checked and stored."""

from typing import Annotated, Any

from pydantic import AfterValidator, Field

from stoa.apps.accounts.domain import HANDLE, is_handle
from stoa.apps.accounts.services.sessions import Device
from stoa.platform.http.inputs import Text
from stoa.platform.http.views import Call


def _handle(value: str) -> str:
    if not is_handle(value):
        raise ValueError("3 to 30 of a-z, 0-9 and _")
    return value


type Handle = Annotated[str, AfterValidator(_handle), Field(json_schema_extra={"pattern": f"^{HANDLE.pattern}$"})]
type Name = Annotated[Text, Field(max_length=120)]
type Password = Annotated[str, Field(min_length=1, max_length=128)]
type Token = Annotated[str, Field(min_length=1, max_length=200)]


def device_of(call: Call[Any, Any]) -> Device:
    return Device(agent=call.agent, address=call.address)

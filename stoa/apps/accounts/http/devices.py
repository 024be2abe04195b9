"""Routes of devices that pushes go to."""

from typing import Literal
from uuid import UUID

from pydantic import Field

from stoa.apps.accounts.contracts import DeviceRemoved, PushDeviceView
from stoa.apps.accounts.queries import device_page
from stoa.apps.accounts.services import devices
from stoa.kit.errors import Missing
from stoa.platform.http.access import SIGNED_IN
from stoa.platform.http.endpoints import Routes
from stoa.platform.http.inputs import Input
from stoa.platform.http.pages import Page, PageQuery
from stoa.platform.http.views import Call

routes = Routes("accounts")


class DeviceInput(Input):
    platform: Literal["ios", "android", "web"]
    token: str = Field(min_length=1, max_length=4096, description="Of FCM, APNs or a Web Push subscription.")
    name: str = Field("", max_length=120, description="How its owner knows it.")


@routes.get("users/me/devices", access=SIGNED_IN, query=PageQuery, answer=PushDeviceView, listed="keyset")
def list_devices(call: Call[None, PageQuery]) -> Page:
    """List the caller's devices for push."""
    return device_page(call.caller, call.query, route=call.route)


@routes.post("users/me/devices", access=SIGNED_IN, body=DeviceInput, answer=PushDeviceView, status=201)
def keep_device(call: Call[DeviceInput, None]) -> PushDeviceView:
    """Register a device for push; of another account's it is taken over."""
    body = call.body
    return devices.keep_device(
        user_id=call.caller.user_id, platform=body.platform, token=body.token, name=body.name.strip()
    )


@routes.delete("users/me/devices/<uuid:device_id>", access=SIGNED_IN, answer=DeviceRemoved, raises=(Missing,))
def forget_device(call: Call[None, None], device_id: UUID) -> DeviceRemoved:
    """Remove one of the caller's devices."""
    devices.forget_device(user_id=call.caller.user_id, device_id=device_id)
    return DeviceRemoved()

"""Ports of platform/http: connected in project/wiring.py only. An unregistered port refuses."""

from uuid import UUID

from stoa.kit.errors import Denied, Unauthenticated
from stoa.platform.http.contracts import Authenticator, Caller, Features, OrgPermissions


def _nobody(access_token: str) -> Caller:
    raise Unauthenticated


def _nowhere(caller: Caller, *, named: str, resource: str, action: str) -> UUID:
    raise Denied


def _off(flag: str, *, anybody: bool) -> bool:
    return False


class _Ports:
    authenticator: Authenticator = staticmethod(_nobody)
    org_permissions: OrgPermissions = staticmethod(_nowhere)
    features: Features = staticmethod(_off)


def register_authenticator(port: Authenticator) -> None:
    _Ports.authenticator = staticmethod(port)


def register_org_permissions(port: OrgPermissions) -> None:
    _Ports.org_permissions = staticmethod(port)


def register_features(port: Features) -> None:
    _Ports.features = staticmethod(port)


def feature_is_on(flag: str, *, anybody: bool) -> bool:
    return _Ports.features(flag, anybody=anybody)


def authenticate(access_token: str) -> Caller:
    return _Ports.authenticator(access_token)


def org_of_request(caller: Caller, *, named: str, resource: str, action: str) -> UUID:
    return _Ports.org_permissions(caller, named=named, resource=resource, action=action)

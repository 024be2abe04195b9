"""Ports of platform/http: connected in project/wiring.py only. An unregistered port refuses."""

from stoa.kit.errors import Unauthenticated
from stoa.platform.http.contracts import Authenticator, Caller, Features, OrgAsked


def _nobody(access_token: str, asked: OrgAsked | None) -> Caller:
    raise Unauthenticated


def _off(flag: str, *, anybody: bool) -> bool:
    return False


class _Ports:
    authenticator: Authenticator = staticmethod(_nobody)
    features: Features = staticmethod(_off)


def register_authenticator(port: Authenticator) -> None:
    _Ports.authenticator = staticmethod(port)


def register_features(port: Features) -> None:
    _Ports.features = staticmethod(port)


def feature_is_on(flag: str, *, anybody: bool) -> bool:
    return _Ports.features(flag, anybody=anybody)


def authenticate(access_token: str, asked: OrgAsked | None) -> Caller:
    return _Ports.authenticator(access_token, asked)

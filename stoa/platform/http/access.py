"""Who may use a route: every route declares exactly one of these."""

from dataclasses import dataclass
from typing import Literal

type AccessKind = Literal["public", "signed_in", "staff", "org", "internal"]


@dataclass(frozen=True, slots=True)
class Access:
    kind: AccessKind
    resource: str = ""
    action: str = ""

    def __str__(self) -> str:
        return ":".join(part for part in (self.kind, self.resource, self.action) if part)

    @property
    def permission(self) -> str:
        return f"{self.resource}:{self.action}"


PUBLIC = Access("public")
SIGNED_IN = Access("signed_in")
INTERNAL = Access("internal")


def staff(resource: str, action: str) -> Access:
    return Access("staff", resource, action)


def org(resource: str, action: str) -> Access:
    return Access("org", resource, action)

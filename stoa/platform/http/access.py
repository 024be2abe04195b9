"""Who may use a route: every route declares exactly one of these."""

from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from stoa.kit.errors import Conflict, Denied, Missing
from stoa.platform.http.contracts import Caller, OrgAsked

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


class OrgRequired(Conflict):
    """`details.organizations` lists the caller's, each with its id and name."""

    code, message = "ORG_REQUIRED", "You belong to several organizations: name one in X-Org-Id."


class OrgSuspended(Denied):
    code, message = "ORG_SUSPENDED", "This organization is suspended: it can be read, not changed."


def org_meant(caller: Caller, asked: OrgAsked) -> UUID:
    """The organization of a request: the one named, else the caller's only one.

    An organization that is not the caller's is not there. Raises Missing, Denied, OrgRequired, OrgSuspended."""
    standings = caller.standings
    if not standings:
        raise Missing if asked.named else Denied
    if len(standings) > 1:
        raise OrgRequired(
            details={"organizations": [{"id": str(one.org_id), "name": one.org_name} for one in standings]}
        )
    (standing,) = standings
    if asked.permission not in standing.permissions:
        raise Denied
    if asked.writes and standing.suspended:
        raise OrgSuspended
    return standing.org_id

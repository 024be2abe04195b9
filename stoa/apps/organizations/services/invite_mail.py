"""The mail of an invite, written when it leaves: its token is stored nowhere."""

from urllib.parse import quote
from uuid import UUID

from stoa.apps.organizations.models import Invite, InviteState
from stoa.apps.organizations.services.invites import token_of
from stoa.kit.clock import utc_now
from stoa.platform.db.tenant import across_tenants
from stoa.platform.mail.client import send_mail
from stoa.runtime.config.current import settings


def mail_invite(*, invite_id: UUID, key: str) -> bool:
    """Send it outside any transaction; False where it is not open any more, or its time is over. Raises MailNotSent, MailRefused."""
    with across_tenants("an invite named by its event"):
        found = Invite.objects.select_related("organization", "role").filter(pk=invite_id).first()
    if found is None or found.state != InviteState.OPEN or found.expires_at <= utc_now():
        return False
    values = {
        "organization": found.organization.name,
        "role": found.role.name,
        "link": f"{settings().invite_accept_url_base}?token={quote(token_of(invite=found))}",
        "until": f"{found.expires_at:%Y-%m-%d %H:%M}",
    }
    send_mail(to=found.email, template="organizations/invite", values=values, key=key)
    return True

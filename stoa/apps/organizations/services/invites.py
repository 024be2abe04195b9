"""Inviting somebody by their e-mail, and their answer. The mail itself leaves by a subscriber, after the commit."""

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from django.db import IntegrityError
from django.db.models import QuerySet

from stoa.apps.accounts.public import email_of, user_id_of
from stoa.apps.organizations.contracts import InviteView, Joined
from stoa.apps.organizations.domain import email_is_allowed
from stoa.apps.organizations.errors import (
    AlreadyInvited,
    AlreadyMember,
    EmailDomainRefused,
    InviteNotOpen,
    InviteRefused,
)
from stoa.apps.organizations.events import InviteClosed, InviteSent, MemberJoined
from stoa.apps.organizations.models import Invite, InviteState, Membership, MembershipState, OrganizationStatus
from stoa.apps.organizations.queries import invite_view_of
from stoa.apps.organizations.services.acting import acting, locked_organization, role_of
from stoa.apps.organizations.services.seats import require_seat
from stoa.kit.clock import utc_now
from stoa.kit.errors import Missing
from stoa.platform.audit.models import Severity
from stoa.platform.audit.recording import record
from stoa.platform.db.tenant import across_tenants, tenant_scope
from stoa.platform.db.transactions import transaction
from stoa.platform.http.access import OrgSuspended
from stoa.platform.outbox.publishing import publish
from stoa.runtime.config.current import settings
from stoa.runtime.pause_points import pause_point
from stoa.runtime.travelling_secrets import hash_of, make_token, matches, new_nonce, row_of

PURPOSE = "organizations.invite"


def invite(*, org_id: UUID, actor_id: UUID, email: str, role_id: UUID) -> InviteView:
    """Offer a role to whoever owns this e-mail (canonical form). Locks the organization.

    Raises Missing (role), Denied, OrgSuspended, BeyondOwnRights, EmailDomainRefused, AlreadyMember, AlreadyInvited.
    Publishes InviteSent; a mail server that is down delays the mail and nothing else."""
    with acting(org_id=org_id, user_id=actor_id, permission="invites:manage") as ground:
        role = role_of(role_id=role_id)
        ground.require_may_give(role.permissions)
        if not email_is_allowed(email, ground.organization.email_domains):
            raise EmailDomainRefused
        invitee = user_id_of(email)
        members = Membership.objects.exclude(state=MembershipState.ENDED)
        if invitee is not None and members.filter(user_id=invitee).exists():
            raise AlreadyMember
        _expire(Invite.objects.filter(email=email, state=InviteState.OPEN, expires_at__lte=utc_now()))
        made = Invite(
            organization=ground.organization,
            email=email,
            user_id=invitee,
            role=role,
            nonce=new_nonce(),
            invited_by=actor_id,
            expires_at=utc_now() + timedelta(days=settings().invite_ttl_days),
        )
        made.token_hash = hash_of(token_of(invite=made), purpose=PURPOSE, row_id=made.pk)
        if Invite.objects.filter(email=email, state=InviteState.OPEN).exists():
            raise AlreadyInvited
        try:
            made.save(force_insert=True)
        except IntegrityError:
            raise AlreadyInvited from None
        _tell("organizations.invited", made, actor_id=actor_id, after={"role": role.name})
        publish(InviteSent(org_id=org_id, invite_id=made.pk, sending=made.sendings))
    return invite_view_of(made)


def resend_invite(*, org_id: UUID, actor_id: UUID, invite_id: UUID) -> InviteView:
    """Send the same link again, good for the whole time once more. Locks the organization and the invite.

    Raises Missing, Denied, OrgSuspended, InviteNotOpen. Publishes InviteSent."""
    with acting(org_id=org_id, user_id=actor_id, permission="invites:manage") as ground:
        found = _open(invite_id)
        ground.require_may_give(found.role.permissions)
        _send_again(found, actor_id)
    return invite_view_of(found)


def revoke_invite(*, org_id: UUID, actor_id: UUID, invite_id: UUID) -> None:
    """Locks the organization and the invite. Publishes InviteClosed. Raises Missing, Denied, OrgSuspended,
    InviteNotOpen."""
    with acting(org_id=org_id, user_id=actor_id, permission="invites:manage"):
        _revoke(invite_id, actor_id)


def resend_invite_by_staff(*, org_id: UUID, actor_id: UUID, invite_id: UUID) -> None:
    """As `resend_invite`, by somebody who is no member: Django's permissions said that they may.

    Locks the organization and the invite. Raises Missing, OrgSuspended, InviteNotOpen. Publishes InviteSent."""
    with transaction(), tenant_scope(org_id):
        if locked_organization(org_id=org_id).status == OrganizationStatus.SUSPENDED:
            raise OrgSuspended
        _send_again(_open(invite_id), actor_id)


def revoke_invite_by_staff(*, org_id: UUID, actor_id: UUID, invite_id: UUID) -> None:
    """As `revoke_invite`, by somebody who is no member, and in a suspended organization too.

    Locks the organization and the invite. Publishes InviteClosed. Raises Missing, InviteNotOpen."""
    with transaction(), tenant_scope(org_id):
        locked_organization(org_id=org_id)
        _revoke(invite_id, actor_id)


def accept_invite(*, token: str, user_id: UUID) -> Joined:
    """Join. The token comes from the mail and the caller's own e-mail must be the invited one; a password is never asked
    for nor touched.

    Locks the organization, then the invite: of two acceptances one wins. Raises InviteRefused (wrong, spent, another's),
    OrgSuspended, EmailDomainRefused, SeatsTaken. Publishes MemberJoined."""
    answered = _answered_by(token, user_id)
    with transaction(), tenant_scope(answered.org_id):
        organization = locked_organization(org_id=answered.org_id)
        if organization.status == OrganizationStatus.SUSPENDED:
            raise OrgSuspended
        found = _still_open(answered)
        if not email_is_allowed(found.email, organization.email_domains):
            raise EmailDomainRefused
        joined = Membership.objects.filter(user_id=user_id).first()
        if joined is not None and joined.state != MembershipState.ENDED:
            raise AlreadyMember
        require_seat(organization=organization)
        pause_point("organizations.seat_found")
        member = joined or Membership(organization=organization, user_id=user_id)
        member.role, member.state, member.allowed, member.denied = found.role, MembershipState.ACTIVE, [], []
        member.changes += 1
        member.joined_at = utc_now()
        member.save()
        _close(found, InviteState.ACCEPTED)
        record(
            action="organizations.invite_accepted",
            object_type="invite",
            object_id=found.pk,
            actor_id=user_id,
            org_id=organization.pk,
            after={"role": found.role.name, "member_id": str(member.pk)},
            severity=Severity.NOTICE,
        )
        publish(
            MemberJoined(
                org_id=organization.pk,
                member_id=member.pk,
                user_id=user_id,
                invite_id=found.pk,
                invited_by=found.invited_by,
            )
        )
    return Joined(organization_id=organization.pk, member_id=member.pk, role=found.role.name)


def decline_invite(*, token: str, user_id: UUID) -> None:
    """Locks the organization, then the invite. Publishes InviteClosed. Raises InviteRefused."""
    answered = _answered_by(token, user_id)
    with transaction(), tenant_scope(answered.org_id):
        locked_organization(org_id=answered.org_id)
        found = _still_open(answered)
        _close(found, InviteState.DECLINED)
        record(
            action="organizations.invite_declined",
            object_type="invite",
            object_id=found.pk,
            actor_id=user_id,
            org_id=answered.org_id,
        )
        publish(InviteClosed(org_id=answered.org_id, invite_id=found.pk, state=InviteState.DECLINED.value))


def expire_invites(*, limit: int) -> int:
    """Close up to `limit` invites whose time is over, oldest first, and forget their e-mails; returns how many."""
    with transaction(), across_tenants("the sweep of invites whose time is over"):
        late = Invite.objects.filter(state=InviteState.OPEN, expires_at__lte=utc_now()).order_by("expires_at")
        ids = list(late.select_for_update(skip_locked=True, of=("self",)).values_list("pk", flat=True)[:limit])
        return _expire(Invite.objects.filter(pk__in=ids, state=InviteState.OPEN))


def know_invitee(*, user_id: UUID) -> int:
    """Open invites to the e-mail of somebody who has registered are theirs from now on, to be forgotten with them;
    returns how many. Idempotent."""
    try:
        email = email_of(user_id)
    except Missing:  # erased or disabled since
        return 0
    with transaction(), across_tenants("the invites to the e-mail of a person who registered"):
        return Invite.objects.filter(email=email, state=InviteState.OPEN).update(user_id=user_id)


def forget_invitee(*, user_id: UUID) -> int:
    """Close the open invites of somebody erased, and forget their e-mail; returns how many. Idempotent."""
    with transaction(), across_tenants("the invites of a person who is erased"):
        own = Invite.objects.filter(user_id=user_id)  # open ones: the others name nobody
        return own.update(state=InviteState.REVOKED, email="", user_id=None)


def token_of(*, invite: Invite) -> str:
    """What the mail carries; it is stored nowhere."""
    return make_token(purpose=PURPOSE, row_id=invite.pk, nonce=invite.nonce)


@dataclass(frozen=True, slots=True)
class _Answered:
    invite_id: UUID
    org_id: UUID
    email: str
    """The caller's own."""


def _answered_by(token: str, user_id: UUID) -> _Answered:
    invite_id = row_of(token)
    if invite_id is None:
        raise InviteRefused
    try:
        email = email_of(user_id)
    except Missing:
        raise InviteRefused from None
    with across_tenants("an invite is found by its token"):
        found = Invite.objects.filter(pk=invite_id, email=email).first()
    if found is None or not matches(token, found.token_hash, purpose=PURPOSE, row_id=found.pk):
        raise InviteRefused
    return _Answered(found.pk, found.organization_id, email)


def _still_open(answered: _Answered) -> Invite:
    """Read again under the organization's lock, and locked. Raises InviteRefused."""
    rows = _locked_invites().filter(state=InviteState.OPEN, expires_at__gt=utc_now())
    found = rows.filter(pk=answered.invite_id, email=answered.email).first()
    if found is None:
        raise InviteRefused
    return found


def _open(invite_id: UUID) -> Invite:
    """Raises Missing, InviteNotOpen."""
    found = _locked_invites().filter(pk=invite_id).first()
    if found is None:
        raise Missing
    if found.state != InviteState.OPEN:
        raise InviteNotOpen(details={"state": found.state})
    return found


def _locked_invites() -> QuerySet[Invite]:
    """The sweep and an erasure close invites without the organization's lock; they wait for this one."""
    rows = Invite.objects.select_related("role")
    return rows if pause_point("organizations.lock_invite") else rows.select_for_update(of=("self",))


def _send_again(found: Invite, actor_id: UUID) -> None:
    found.sendings += 1
    found.expires_at = utc_now() + timedelta(days=settings().invite_ttl_days)
    found.user_id = user_id_of(found.email)
    found.save(update_fields=["sendings", "expires_at", "user_id"])
    _tell("organizations.invite_sent_again", found, actor_id=actor_id)
    publish(InviteSent(org_id=found.organization_id, invite_id=found.pk, sending=found.sendings))


def _revoke(invite_id: UUID, actor_id: UUID) -> None:
    found = _open(invite_id)
    _close(found, InviteState.REVOKED)
    _tell("organizations.invite_revoked", found, actor_id=actor_id)
    publish(InviteClosed(org_id=found.organization_id, invite_id=found.pk, state=InviteState.REVOKED.value))


def _close(found: Invite, state: InviteState) -> None:
    pause_point("organizations.before_invite_closes")
    found.state, found.email, found.user_id = state, "", None
    found.save(update_fields=["state", "email", "user_id"])


def _expire(rows: QuerySet[Invite]) -> int:
    return rows.update(state=InviteState.EXPIRED, email="", user_id=None)


def _tell(action: str, found: Invite, *, actor_id: UUID, after: dict[str, object] | None = None) -> None:
    """Without the e-mail: the trail outlives it."""
    record(
        action=action,
        object_type="invite",
        object_id=found.pk,
        actor_id=actor_id,
        org_id=found.organization_id,
        after=after,
        severity=Severity.NOTICE,
    )

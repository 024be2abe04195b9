"""Refusals of organizations."""

from stoa.kit.errors import Conflict, Denied, Missing


class LastAdmin(Conflict):
    code, message = "LAST_ADMIN", "An organization keeps at least one active ORG_ADMIN."


class BeyondOwnRights(Denied):
    code, message = "BEYOND_OWN_RIGHTS", "You cannot give or take rights that you do not have yourself."


class SeatsTaken(Conflict):
    code, message = "SEATS_TAKEN", "All seats of this organization are taken."


class EmailDomainRefused(Conflict):
    code, message = "EMAIL_DOMAIN_REFUSED", "This organization takes members of other e-mail domains only."


class RoleNameTaken(Conflict):
    code, message = "ROLE_NAME_TAKEN", "A role of this name exists."


class RoleInUse(Conflict):
    code, message = "ROLE_IN_USE", "Members or open invites have this role."


class SystemRole(Conflict):
    code, message = "SYSTEM_ROLE", "A role that ships with Stoa cannot be changed; make one of your own."


class AlreadyMember(Conflict):
    code, message = "ALREADY_MEMBER", "This person is a member already."


class AlreadyInvited(Conflict):
    code, message = "ALREADY_INVITED", "An invite to this e-mail is open; send it again instead."


class InviteNotOpen(Conflict):
    code, message = "INVITE_NOT_OPEN", "This invite was answered, withdrawn or has expired."


class InviteRefused(Missing):
    """One answer for a token that is wrong, spent or meant for another e-mail."""

    code, message = "INVITE_NOT_FOUND", "There is no open invite for you under this token."


class WrongState(Conflict):
    code, message = "WRONG_STATE", "That is not possible in the present state."

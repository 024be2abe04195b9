"""Refusals around the second person."""

from stoa.kit.errors import Conflict, Denied


class OwnApproval(Denied):
    code, message = "OWN_APPROVAL", "Somebody else than who asked has to decide."


class ApprovalDecided(Conflict):
    code, message = "APPROVAL_DECIDED", "This was granted or refused already."


class ApprovalWaiting(Conflict):
    code, message = "APPROVAL_WAITING", "The same waits for a second person already."

"""Organizations: who belongs to which, as what, and what they may do there.

Owns organizations, roles, memberships, overrides and invites. A role belongs to a membership, never to a person; what a
member may do is DENY, ALLOW, role, deny, read afresh for each request. There is always an active ORG_ADMIN. Nobody joins
but by creating an organization or by an invite to their own e-mail, and nobody gives a right they do not have. Rows are
read only inside a tenant scope. Refuses every change while suspended.
"""

"""Who did what to which object, in rows that nobody can change unseen.

`recording.record()` writes in the transaction of the act; `sealing` chains what was committed under AUDIT_KEY and keeps
the chain's head outside the database; `verifying` names the first broken row; `retention` alone may delete.
"""

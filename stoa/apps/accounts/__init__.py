"""Accounts: people, how they sign in, and their sessions.

Owns users and sessions. E-mail and handle are unique without regard to case, in the database. A refresh token works
once; using an old one again ends its whole family. Ending a session ends its access tokens on the next request.
Refuses to tell whether an e-mail is registered, except at registration itself, and to let a demo account sign in
where demo data is off.
"""

"""Accounts: people, how they sign in, and their sessions.

Owns users and sessions. E-mail and handle are unique without regard to case, in the database. A refresh token works
once; using an old one again ends its whole family. Ending a session ends its access tokens on the next request.
Guesses at passwords and codes are limited by account and by address, in rows; where an authenticator is on, every way of
signing in asks for it, and a code, a recovery code and an mfa_token work once.
Phone, birth data and the secrets of authenticators are encrypted; a push token belongs to one account at a time.
A closed account is out at once and comes back by signing in until its grace period is over; then a row with its id alone
stays, and AccountErased tells every app to forget.
Refuses to tell whether an e-mail is registered, except at registration itself, and to let a demo account sign in
where demo data is off.
"""

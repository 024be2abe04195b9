"""The platform's half of what stays connected: it writes, the gateway delivers.

Says who may hear a channel and which sessions still live (`/internal/realtime/*`, under INTERNAL_SECRET), gives tickets,
and hands events and commands to the bus. Refuses what no app answers for; sends nothing while a transaction is open.
"""

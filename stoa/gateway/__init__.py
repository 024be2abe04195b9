"""Everything that stays connected: Django writes, the gateway delivers.

Keeps true: per channel in order, no gap and no double after a reconnect within the history; a slow socket costs the
others nothing; nobody hears a channel that the platform did not allow. Refuses to keep anything itself: what it loses
when it is killed is sockets, never events. Imports runtime, wire and kit only."""

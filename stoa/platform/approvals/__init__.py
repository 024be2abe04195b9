"""The second person: an act above a limit waits until somebody else than who asked for it says yes.

Owns one row an ask: which act, on what, why, by whom; then who decided. The act itself is the owning app's: it registers
what is done when an ask is granted, and that runs in the transaction of the yes. Nobody decides on their own ask, which
the database keeps too; an ask is decided once.
"""

"""Rows that are due, and somebody who looks: schedules in the database, one runner at a time for each.

`registry.sweep` declares one; `running` seeds the schedules and runs what is due under a lease; `heartbeats` says
which processes do so; `staleness` says what nobody has done for too long. A sweep may start twice (its runner was
killed, or was slower than its lease): it finds its work by the state of rows, so the second start finds less.
"""

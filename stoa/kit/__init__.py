"""Pure Python that every floor may use: money, ids, clock, cursors, errors. No Django, no I/O."""

"""What every page of the admin stands on: the look, lists that do not count, pages that only show, acts on chosen rows.

A list reads the rows of its page and no more, whatever the table holds. What a page changes, a service changes."""

"""How Django writes moments where nobody said how: the admin's pages."""

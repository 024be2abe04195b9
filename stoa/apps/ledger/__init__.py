"""The ledger: accounts, a double-entry journal, holds, periods and what is derived from them alone.

Owns the books of each organization and of the platform. A book's id is the organization's id, or `PLATFORM_BOOK`.

Always true, and kept by the database itself on SQLite and PostgreSQL (services/rules):
- an entry has two lines at least, and per currency its debits equal its credits;
- what is posted never changes: a correction is another entry that reverses it, once;
- a balance is the sum of its lines, written by the lines' trigger alone, and never below the account's floor;
- nothing is posted to a closed account, into a closed period, to another book, or in another currency;
- control accounts take entries of their owner's kinds only.

Refuses: floats, zero and negative amounts, entries without a key.
"""

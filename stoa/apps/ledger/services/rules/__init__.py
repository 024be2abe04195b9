"""What the database itself refuses: triggers and functions for SQLite and PostgreSQL."""

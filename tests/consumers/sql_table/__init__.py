"""A table as a CRM, in SQLite and in PostgreSQL."""

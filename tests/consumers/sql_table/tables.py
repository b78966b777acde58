"""Tables as companies have them, and what keeps their changed columns up to date."""

from __future__ import annotations

from typing import Final

SQLITE_CUSTOMERS: Final = """
CREATE TABLE customers (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    email TEXT,
    name VARCHAR(100) NOT NULL DEFAULT '',
    city TEXT,
    points INTEGER,
    updated_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%d %H:%M:%f', 'now'))
);
CREATE TRIGGER customers_changed AFTER UPDATE ON customers WHEN NEW.updated_at = OLD.updated_at BEGIN
    UPDATE customers SET updated_at = strftime('%Y-%m-%d %H:%M:%f', 'now') WHERE id = NEW.id;
END;
"""

SQLITE_ODD: Final = """
CREATE TABLE "odd ""table""; --" (
    "the id" TEXT PRIMARY KEY COLLATE NOCASE,
    "e.mail" TEXT UNIQUE,
    "full name %s :x" TEXT,
    "select" TEXT NOT NULL DEFAULT 'x',
    gone BOOLEAN,
    version INTEGER
);
CREATE INDEX odd_address ON "odd ""table""; --" (lower("e.mail"));
CREATE INDEX odd_version ON "odd ""table""; --" (version, "the id");
CREATE TRIGGER odd_made AFTER INSERT ON "odd ""table""; --" BEGIN
    UPDATE "odd ""table""; --" SET version = (SELECT coalesce(max(version), 0) + 1 FROM "odd ""table""; --")
    WHERE "the id" = NEW."the id";
END;
CREATE TRIGGER odd_changed AFTER UPDATE ON "odd ""table""; --" WHEN NEW.version IS OLD.version BEGIN
    UPDATE "odd ""table""; --" SET version = (SELECT max(version) + 1 FROM "odd ""table""; --")
    WHERE "the id" = NEW."the id";
END;
"""

POSTGRESQL_CUSTOMERS: Final = """
CREATE FUNCTION now_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.updated_at := clock_timestamp();
    RETURN NEW;
END $$;
CREATE TABLE customers (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    email text,
    name varchar(100) NOT NULL DEFAULT '',
    city text,
    points integer,
    updated_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX ON customers (updated_at, id);
CREATE TRIGGER customers_changed BEFORE UPDATE ON customers FOR EACH ROW EXECUTE FUNCTION now_changed();
"""

POSTGRESQL_PEOPLE: Final = """
CREATE FUNCTION person_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.version := nextval('versions');
    RETURN NEW;
END $$;
CREATE SEQUENCE versions;
CREATE TABLE people (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    email varchar(200) UNIQUE,
    name text,
    details jsonb,
    deleted_at timestamptz,
    version bigint NOT NULL DEFAULT nextval('versions')
);
CREATE UNIQUE INDEX ON people (lower(email));
CREATE TRIGGER people_changed BEFORE UPDATE ON people FOR EACH ROW EXECUTE FUNCTION person_changed();
"""

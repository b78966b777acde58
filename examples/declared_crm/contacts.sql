-- A table that Datasette is to serve. Ids are never used twice, and each change leaves its time.
CREATE TABLE contacts (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  email TEXT UNIQUE COLLATE NOCASE,
  first_name TEXT,
  last_name TEXT,
  phone TEXT,
  updated TEXT DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ'))
);
CREATE INDEX contacts_updated ON contacts (updated);
CREATE TRIGGER contacts_updated AFTER UPDATE ON contacts
WHEN new.updated IS NOT strftime('%Y-%m-%dT%H:%M:%fZ')
BEGIN
  UPDATE contacts SET updated = strftime('%Y-%m-%dT%H:%M:%fZ') WHERE id = new.id;
END;

"""The tables, and how ids are put into them.

Ids are kept as their bytes: no collation, no encoding and no forbidden character (PostgreSQL's text takes no NUL) can
make two of them one. Indexes have a limit (PostgreSQL: 2.7 kB): a long id is indexed by its digest and kept beside it.
"""

from __future__ import annotations

from hashlib import sha256
from typing import Final

from sqlalchemy import Column, Double, Index, LargeBinary, MetaData, String, Table, UniqueConstraint

FORMAT: Final = "1"
"""What this release reads and writes. Another in the database means that a later release wrote it."""

INDEXED_BYTES: Final = 255

metadata: Final = MetaData()


def _table(name: str, *parts: Column[bytes] | Column[float] | Column[str] | UniqueConstraint | Index) -> Table:
    return Table(
        f"contact_sync_{name}",
        metadata,
        Column("installation", LargeBinary, primary_key=True),
        *parts,
    )


pairs: Final = _table(
    "pairs",
    Column("botmatic", LargeBinary, primary_key=True),
    Column("external", LargeBinary, nullable=False),
    Column("botmatic_long", LargeBinary),
    Column("external_long", LargeBinary),
    Column("baseline", LargeBinary),
    UniqueConstraint("installation", "external"),
)

tombstones: Final = _table(
    "tombstones",
    Column("id", LargeBinary, primary_key=True),  # `b` or `e`, then the id
    Column("ends", Double, nullable=False),
    Index("contact_sync_tombstones_ends", "installation", "ends"),
)

leases: Final = _table(
    "leases",
    Column("name", LargeBinary, primary_key=True),  # a digest
    Column("owner", LargeBinary, nullable=False),
    Column("ends", Double, nullable=False),
)

claims: Final = _table(
    "claims",
    Column("name", LargeBinary, primary_key=True),  # the id; a digest of the guard
    Column("side", String(1), primary_key=True),  # `b` or `e`, of a contact's id; `g`, of a guard
    Column("owner", LargeBinary, nullable=False),
    Column("ends", Double, nullable=False),
    Index("contact_sync_claims_ends", "installation", "ends"),
)

records: Final = _table(
    "records",
    Column("name", LargeBinary, primary_key=True),
    Column("name_long", LargeBinary),
    Column("value", LargeBinary, nullable=False),
)

meta: Final = Table(
    "contact_sync_meta", metadata, Column("name", String(40), primary_key=True), Column("value", String(40))
)


def indexed(text: str) -> bytes:
    """Give the bytes by which a text is found: its own, or 0xFF, which no text begins with, and its digest."""
    data = text.encode()
    return data if len(data) <= INDEXED_BYTES else b"\xff" + sha256(data).digest()


def long(text: str) -> bytes | None:
    """Give the bytes that are kept beside the digest; none for a text that is indexed itself."""
    data = text.encode()
    return data if len(data) > INDEXED_BYTES else None


def text_of(found_by: bytes, long_bytes: bytes | None) -> str:
    """Give a text from what `indexed` and `long` made of it."""
    return (found_by if long_bytes is None else long_bytes).decode()

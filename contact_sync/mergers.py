"""Records that were merged: which one has become a part of which other one."""

from __future__ import annotations

from key_stores import Records
from mappers import Side


class Mergers:
    """Which record of a side was merged into which other one, in a key store.

    Args:
        records: Where it is kept.
    """

    def __init__(self, records: Records) -> None:
        self._records = records

    def note(self, installation: str, side: Side, loser: str, winner: str) -> None:
        """Remember that one record has become a part of another."""
        self._records.put_record(installation, f"merged:{side}:{loser}", winner)

    def winner_of(self, installation: str, side: Side, id: str) -> str | None:
        """Follow a record to the one that it is a part of by now, through any number of mergers; `None` if to none."""
        seen = {id}
        winner = None
        while (further := self._records.get_record(installation, f"merged:{side}:{winner or id}")) is not None:
            if further in seen:
                break
            seen.add(further)
            winner = further
        return winner

    def forget(self, installation: str, side: Side, id: str) -> None:
        """Forget a record on either end of mergers."""
        prefix = f"merged:{side}:"
        for name, winner in self._records.get_records(installation).items():
            if name == f"{prefix}{id}" or (name.startswith(prefix) and winner == id):
                self._records.delete_record(installation, name)

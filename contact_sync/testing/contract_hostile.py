"""`ConsumerContract`: ids that are made to break out of a URL, a path or a query."""

from __future__ import annotations

from typing import Final

import pytest

from .contract_applies import needs
from .contract_probe import Probe, said

HOSTILE_IDS: Final = {
    "empty": "",
    "dot": ".",
    "two dots": "..",
    "a way up and down again": "x/../{id}",
    "a coded way up": "x/%2e%2e/{id}",
    "a dot before a real id": "./{id}",
    "a real id and a slash": "{id}/",
    "a path below a real id": "{id}/x",
    "a real id and a query": "{id}?x=1",
    "a real id and a fragment": "{id}#x",
    "a real id and parameters": "{id};x=1",
    "a real id and a coded space": "{id}%20",
    "a real id and a header": "{id}\r\nX-Injected: 1",
    "a real id and a NUL": "{id}\0",
    "a path out": "../../../etc/passwd",
    "another server": "//127.0.0.1:1/{id}",
    "a pattern": "*",
    "braces": "{{}}",
    "an SQL condition": "' OR '1'='1",
    "null": "null",
    "not ASCII": "☃",
    "10 kB": "x" * 10_000,
}
"""Texts that are no record's id. `{id}` stands for the id of a record that exists."""

ONLY_AN_ID: Final = (
    "An id comes from outside: quote it whole in a URL (urllib.parse.quote(id, safe='')), and answer NOT_FOUND "
    "without a call for '', '.' and '..', which quoting does not change"
)

hostile_ids = pytest.mark.parametrize("hostile", HOSTILE_IDS.values(), ids=list(HOSTILE_IDS))


class HostileIdTests:
    """A hostile id is only an id: of no record, and without a way to another one."""

    @hostile_ids
    def test_a_hostile_id_reads_nothing(self, probe: Probe, hostile: str) -> None:
        """Reading it finds no record."""
        id = hostile.format(id=probe.record().id)
        result = probe.ask("get_contact", id)
        assert not result.success, (
            f"get_contact({id[:80]!r}) {said(result)}, though no record has that id. {ONLY_AN_ID}"
        )

    @needs("update")
    @hostile_ids
    def test_a_hostile_id_changes_nothing(self, probe: Probe, hostile: str) -> None:
        """Updating it changes no record."""
        victim, sent = probe.record()
        id = hostile.format(id=victim)
        result = probe.ask("update_contact", probe.change(id, text="Changed"))
        lost = probe.lost(sent, probe.read(victim))
        assert not lost, f"update_contact with the id {id[:80]!r} changed the record {victim!r}. {ONLY_AN_ID}"
        assert not result.success, f"update_contact with the id {id[:80]!r}, which no record has, {said(result)}"

    @needs("delete", "records")
    @hostile_ids
    def test_a_hostile_id_deletes_nothing(self, probe: Probe, hostile: str) -> None:
        """Deleting or archiving it takes no record away."""
        victim, bystander = probe.record().id, probe.record().id
        id = hostile.format(id=victim)
        for method in ("delete_contact", "archive_contact"):
            result = probe.ask(method, id)
            for other in (victim, bystander):
                read = probe.ask("get_contact", other)
                assert read.success, f"{method}({id[:80]!r}) took the record {other!r} away. {ONLY_AN_ID}"
            assert not result.success, (
                f"{method}({id[:80]!r}) {said(result)}, though no record has that id. {ONLY_AN_ID}"
            )

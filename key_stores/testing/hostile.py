"""Ids that are only ids, whatever they hold; and what is no id."""

from __future__ import annotations

from typing import Any, Final

import pytest

from key_stores.base import KeyStore
from key_stores.errors import InvalidId
from key_stores.testing.pairs import pairs_in

HOSTILE: Final = {
    "colon": "a:b",
    "colons": ":::",
    "star": "*",
    "glob": "[a-z]?*",
    "braces": "{tag}",
    "open brace": "{",
    "closed brace": "}",
    "empty braces": "{}",
    "line break": "a\nb",
    "carriage return": "a\r\nb",
    "tab": "a\tb",
    "space": " ",
    "space around": " a ",
    "nul": "a\0b",
    "only nul": "\0",
    "quote": "a'b\"c",
    "sql": "'; DROP TABLE pairs; --",
    "percent": "100%s%d%(x)s",
    "backslash": "a\\b\\",
    "slash": "../../etc/passwd",
    "dots": "..",
    "json": '{"a": [1]}',
    "accents": "Zoë Müller",
    "not roman": "陳大文",
    "emoji": "👩‍👩‍👧‍👦",
    "beyond the basic plane": "𝔘\U0010ffff",
    "right to left": "\u202eabc",
    "latin letter as last byte": "\xff\xfe",
    "256 bytes": "x" * 256,
    "10 kB": "k" * 10_000,
    "10 kB and one": "k" * 10_000 + "1",
    "10 kB of accents": "é" * 5_000,
}

SEPARATORS: Final = [":", "::", "|", "/", "\\", "-", "_", ".", ",", ";", " ", "\t", "\n", "\0", "#", "=", "\x1f", "'"]

NO_IDS: Final[dict[str, Any]] = {
    "none": None,
    "empty": "",
    "true": True,
    "false": False,
    "float": 1.0,
    "bytes": b"b1",
    "list": ["b1"],
    "half a character": "a\ud800",
}

CALLS: Final = {
    "save_ids": "ibe",
    "get_botmatic_id": "ie",
    "get_external_id": "ib",
    "delete_ids": "ibe",
    "delete_all_ids": "i",
}
"""The five methods, and what each takes: the installation, the Botmatic id, the external id."""


def call(store: KeyStore, method: str, integration_id: Any, botmatic_id: Any, external_id: Any) -> object:
    """Call one of the five methods with those of the ids that it takes."""
    ids = {"i": integration_id, "b": botmatic_id, "e": external_id}
    return getattr(store, method)(*(ids[place] for place in CALLS[method]))


class HostileContract:
    """Hostile ids, ids that are nearly the same, and what is refused."""

    @pytest.mark.parametrize("id", HOSTILE.values(), ids=HOSTILE.keys())
    def test_a_hostile_id_is_only_an_id(self, store: KeyStore, installation: str, id: str) -> None:
        """In each of the three places, and among other pairs."""
        for place in (installation, f"{installation}{id}"):
            store.save_ids(place, "b1", "e1")
            store.save_ids(place, id, f"e {id}")
            store.save_ids(place, f"b {id}", id)
            expected = {("b1", "e1"), (id, f"e {id}"), (f"b {id}", id)}
            assert pairs_in(store, place, ["b1", id, f"b {id}"], ["e1", id, f"e {id}"]) == expected
            assert store.delete_ids(place, f"b {id}", id) is True
            assert store.delete_all_ids(place) is True
            assert pairs_in(store, place, ["b1", id, f"b {id}"], ["e1", id, f"e {id}"]) == set()

    def test_hostile_ids_are_all_different(self, store: KeyStore, installation: str) -> None:
        """Each is paired with another of them, all at once."""
        ids = list(HOSTILE.values())
        expected = set(zip(ids, ids[1:] + ids[:1], strict=True))
        for botmatic_id, external_id in expected:
            store.save_ids(installation, botmatic_id, external_id)
        assert pairs_in(store, installation, ids, ids) == expected

    @pytest.mark.parametrize("separator", SEPARATORS, ids=repr)
    def test_no_joint_of_installation_and_id_is_mistaken(
        self, store: KeyStore, installation: str, separator: str
    ) -> None:
        """`a:b` with `c` is not `a` with `b:c`."""
        longer = f"{installation}{separator}b"
        store.save_ids(longer, "c", "e1")
        store.save_ids(installation, f"b{separator}c", "e2")
        store.save_ids(installation, f"b{separator}e1", f"b{separator}e1")
        assert store.get_external_id(longer, "c") == "e1"
        assert store.get_botmatic_id(longer, "e1") == "c"
        assert store.get_external_id(installation, f"b{separator}c") == "e2"
        store.delete_all_ids(longer)
        assert store.get_external_id(installation, f"b{separator}c") == "e2"
        assert store.get_botmatic_id(installation, f"b{separator}e1") == f"b{separator}e1"

    def test_removing_an_installation_leaves_those_alone_whose_ids_are_alike(
        self, store: KeyStore, installation: str
    ) -> None:
        """Beginnings, patterns, other case: another installation all the same."""
        half = installation[: len(installation) // 2]
        others = [half, f"{installation}0", f"{installation}:", f"{installation}:b", f"{installation}:e"]
        others += [f"{installation}*", f" {installation}", f"{installation} ", f"{installation}\n", f"x{installation}"]
        others += [f"{{{installation}}}", f"{{{installation}", installation.upper(), f"{installation}\0"]
        for other in others:
            store.save_ids(other, "b1", "e1")
        for pattern in (installation, f"{installation}?", f"{half}*", "*", f"{half}%", f"{half}.*"):
            store.save_ids(pattern, "b1", "e1")
            store.delete_all_ids(pattern)
            assert pairs_in(store, pattern, ["b1"], ["e1"]) == set()
        for other in others:
            assert pairs_in(store, other, ["b1"], ["e1"]) == {("b1", "e1")}
            store.delete_all_ids(other)

    def test_ids_that_look_alike_are_different(self, store: KeyStore, installation: str) -> None:
        """Case, spaces, accents written in two ways, look-alike letters, a zero before a number."""
        alike = ["anna", "Anna", "ANNA", " anna", "anna ", "anna\n", "ann\u0430", "Zo\u00eb", "Zoe\u0308", "Zoe"]
        alike += ["1", "01", "1 ", "+1", "1.0", "ss", "ß", "i", "I", "ı", "İ", "e", "é", "\u200be"]
        expected = {(id, f"for {id}") for id in alike}
        for botmatic_id, external_id in expected:
            store.save_ids(installation, botmatic_id, external_id)
        assert pairs_in(store, installation, alike, [f"for {id}" for id in alike]) == expected
        for id in alike:
            store.save_ids(f"{installation} back", f"for {id}", id)
        for id in alike:
            assert store.get_botmatic_id(f"{installation} back", id) == f"for {id}"

    @pytest.mark.parametrize("method", CALLS)
    def test_what_is_no_id_is_refused(self, store: KeyStore, installation: str, method: str) -> None:
        """`InvalidId` from every method, for every one of its ids; nothing is touched."""
        store.save_ids(installation, "b1", "e1")
        for what, id in NO_IDS.items():
            for place in CALLS[method]:
                ids = {"i": installation, "b": "b1", "e": "e1"} | {place: id}
                with pytest.raises(InvalidId):
                    pytest.fail(f"{what} was taken: {call(store, method, ids['i'], ids['b'], ids['e'])!r}")
        assert pairs_in(store, installation, ["b1"], ["e1"]) == {("b1", "e1")}

"""Counting and walking, records, and whether the backend is there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from key_stores.base import KeyStore, PairBatches, PairListing, Ping, Records
from key_stores.errors import InvalidId
from key_stores.testing.hostile import HOSTILE, NO_IDS

if TYPE_CHECKING:

    class ListingStore(KeyStore, PairListing):
        """A store that lists."""

    class RecordStore(KeyStore, Records):
        """A store with records."""

    class PingStore(KeyStore, Ping):
        """A store that can be asked whether it is there."""


class ListingContract:
    """`count_pairs`, `iter_pairs`."""

    def test_pairs_are_counted_and_given_once_each(self, store: ListingStore, installation: str) -> None:
        """None, some, and after moves and removals; another installation's are not among them."""
        assert store.count_pairs(installation) == 0
        assert list(store.iter_pairs(installation)) == []
        store.save_ids(f"{installation}2", "b1", "e1")
        for botmatic_id, external_id in (("b1", "e1"), ("b2", "e2"), ("b3", "e3"), ("b1", "e1"), ("b1", "e2"), (0, 0)):
            store.save_ids(installation, botmatic_id, external_id)
        assert store.count_pairs(installation) == 3
        assert sorted(store.iter_pairs(installation)) == [("0", "0"), ("b1", "e2"), ("b3", "e3")]
        store.delete_ids(installation, "b3", "e3")
        store.delete_ids(installation, "0", "0")
        assert store.count_pairs(installation) == 1
        assert list(store.iter_pairs(installation)) == [("b1", "e2")]
        store.delete_ids(installation, "b1", "e2")
        assert store.count_pairs(installation) == 0
        assert list(store.iter_pairs(installation)) == []

    def test_a_removed_installation_counts_none(self, store: ListingStore, installation: str) -> None:
        """Nor is any given."""
        store.save_ids(installation, "b1", "e1")
        store.delete_all_ids(installation)
        assert store.count_pairs(installation) == 0
        assert list(store.iter_pairs(installation)) == []

    def test_hostile_ids_are_given_as_they_were_saved(self, store: ListingStore, installation: str) -> None:
        """Each with its partner."""
        ids = list(HOSTILE.values())
        expected = sorted(zip(ids, reversed(ids), strict=True))
        for botmatic_id, external_id in expected:
            store.save_ids(installation, botmatic_id, external_id)
        assert sorted(store.iter_pairs(installation)) == expected
        assert store.count_pairs(installation) == len(expected)

    def test_pairs_that_stay_are_given_once_while_others_come_and_go(
        self, store: ListingStore, installation: str
    ) -> None:
        """More than any page holds; most of the others go during the walk, and new ones come."""
        staying = {(f"b{n}", f"e{n}") for n in range(200)}
        going = {(f"b{n}", f"e{n}") for n in range(200, 1200)}
        if isinstance(store, PairBatches):
            store.save_many(installation, staying | going)
        else:
            for botmatic_id, external_id in staying | going:
                store.save_ids(installation, botmatic_id, external_id)
        given = []
        left = sorted(going)
        for position, pair in enumerate(store.iter_pairs(installation)):
            given.append(pair)
            for gone in left[10 * position : 10 * position + 10]:
                store.delete_ids(installation, *gone)
            if position < 20:
                store.save_ids(installation, f"new b{position}", f"new e{position}")
        assert sorted(pair for pair in given if pair in staying) == sorted(staying)
        assert len(given) == len(set(given))

    def test_an_installation_that_is_no_id_is_refused_at_once(self, store: ListingStore) -> None:
        """By the call that begins the walk too, not by its first step."""
        for what, id in NO_IDS.items():
            with pytest.raises(InvalidId):
                pytest.fail(f"{what} was taken: {store.count_pairs(id)}")
            with pytest.raises(InvalidId):
                pytest.fail(f"{what} was taken: {store.iter_pairs(id)}")


class RecordsContract:
    """`put_record`, `get_record`, `get_records`, `delete_record`."""

    def test_a_record_is_written_read_and_removed(self, store: RecordStore, installation: str) -> None:
        """An unknown one is `None`; writing again replaces it."""
        assert store.get_record(installation, "token") is None
        store.put_record(installation, "token", "first")
        store.put_record(installation, "token", "second")
        store.put_record(installation, "settings", "")
        assert store.get_record(installation, "token") == "second"
        assert store.get_record(installation, "settings") == ""
        assert store.get_records(installation) == {"token": "second", "settings": ""}
        assert store.delete_record(installation, "token") is True
        assert store.delete_record(installation, "token") is False
        assert store.get_records(installation) == {"settings": ""}
        assert store.delete_record(installation, "settings") is True
        assert store.get_records(installation) == {}

    def test_records_of_installations_are_apart(self, store: RecordStore, installation: str) -> None:
        """Removing an installation takes its records along, and no other's."""
        store.put_record(installation, "a", "1")
        store.put_record(f"{installation}2", "a", "2")
        store.save_ids(installation, "a", "3")
        assert store.get_records(f"{installation}2") == {"a": "2"}
        store.delete_all_ids(installation)
        assert store.get_record(installation, "a") is None
        assert store.get_records(installation) == {}
        assert store.get_record(f"{installation}2", "a") == "2"

    def test_records_are_no_pairs(self, store: RecordStore, installation: str) -> None:
        """Nor pairs records."""
        store.save_ids(installation, "b1", "e1")
        store.put_record(installation, "b2", "e2")
        assert store.get_record(installation, "b1") is None
        assert store.get_external_id(installation, "b2") is None
        assert store.get_records(installation) == {"b2": "e2"}

    def test_names_and_values_may_hold_anything(self, store: RecordStore, installation: str) -> None:
        """Hostile texts, as name and as value, and a value of 100 kB."""
        expected = {text: f"{text} value {text}" for text in HOSTILE.values()} | {"long": "é\0" * 50_000}
        for name, value in expected.items():
            store.put_record(installation, name, value)
        assert store.get_records(installation) == expected
        assert {name: store.get_record(installation, name) for name in expected} == expected
        assert all(store.delete_record(installation, name) for name in expected)
        assert store.get_records(installation) == {}

    @pytest.mark.parametrize(
        ("name", "value"), [("", "v"), (None, "v"), (1, "v"), ("n", None), ("n", 1), ("n", "\ud800")]
    )
    def test_odd_names_and_values_are_refused(
        self, store: RecordStore, installation: str, name: Any, value: Any
    ) -> None:
        """`ValueError`, and nothing is written; an installation that is no id is `InvalidId`."""
        with pytest.raises(ValueError, match=r"name|value"):
            store.put_record(installation, name, value)
        assert store.get_records(installation) == {}
        with pytest.raises(InvalidId):
            store.get_records("")


class PingContract:
    """`ping`."""

    def test_a_backend_that_is_there_answers(self, store: PingStore) -> None:
        """Nothing is returned, nothing raised."""
        assert store.ping() is None

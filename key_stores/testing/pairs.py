"""What the five methods do."""

from __future__ import annotations

import random
from collections.abc import Iterable

from key_stores.base import KeyStore

Pairs = set[tuple[str, str]]


def pairs_in(store: KeyStore, installation: str, botmatic_ids: Iterable[str], external_ids: Iterable[str]) -> Pairs:
    """Read the pairs among these ids, and check that the two directions are inverse."""
    forth = {(id, found) for id in botmatic_ids if (found := store.get_external_id(installation, id)) is not None}
    back = {(found, id) for id in external_ids if (found := store.get_botmatic_id(installation, id)) is not None}
    assert forth == back, "the two directions are not each other's inverse"
    return forth


class PairsContract:
    """Saving, looking up, moving and removing pairs."""

    def test_an_unknown_id_is_none(self, store: KeyStore, installation: str) -> None:
        """Nothing is saved; then something else is."""
        assert store.get_botmatic_id(installation, "e1") is None
        assert store.get_external_id(installation, "b1") is None
        store.save_ids(installation, "b1", "e1")
        assert store.get_botmatic_id(installation, "e2") is None
        assert store.get_external_id(installation, "b2") is None

    def test_a_saved_pair_is_found_from_both_sides(self, store: KeyStore, installation: str) -> None:
        """As text."""
        assert store.save_ids(installation, "b1", "e1") is True
        assert store.get_external_id(installation, "b1") == "e1"
        assert store.get_botmatic_id(installation, "e1") == "b1"

    def test_saving_a_pair_again_changes_nothing(self, store: KeyStore, installation: str) -> None:
        """And answers `True` again."""
        store.save_ids(installation, "b1", "e1")
        assert store.save_ids(installation, "b1", "e1") is True
        assert pairs_in(store, installation, ["b1"], ["e1"]) == {("b1", "e1")}

    def test_a_botmatic_id_that_moves_leaves_its_external_id_alone(self, store: KeyStore, installation: str) -> None:
        """No stale reverse key stays."""
        store.save_ids(installation, "b1", "e1")
        assert store.save_ids(installation, "b1", "e2") is True
        assert store.get_botmatic_id(installation, "e1") is None
        assert pairs_in(store, installation, ["b1"], ["e1", "e2"]) == {("b1", "e2")}

    def test_an_external_id_that_moves_leaves_its_botmatic_id_alone(self, store: KeyStore, installation: str) -> None:
        """No stale forward key stays."""
        store.save_ids(installation, "b1", "e1")
        assert store.save_ids(installation, "b2", "e1") is True
        assert store.get_external_id(installation, "b1") is None
        assert pairs_in(store, installation, ["b1", "b2"], ["e1"]) == {("b2", "e1")}

    def test_a_pair_across_two_others_removes_both(self, store: KeyStore, installation: str) -> None:
        """(b1, e1) and (b2, e2), then (b1, e2): b2 and e1 are in no pair."""
        store.save_ids(installation, "b1", "e1")
        store.save_ids(installation, "b2", "e2")
        store.save_ids(installation, "b1", "e2")
        assert pairs_in(store, installation, ["b1", "b2"], ["e1", "e2"]) == {("b1", "e2")}
        store.save_ids(installation, "b2", "e1")
        assert pairs_in(store, installation, ["b1", "b2"], ["e1", "e2"]) == {("b1", "e2"), ("b2", "e1")}

    def test_the_sides_do_not_mix(self, store: KeyStore, installation: str) -> None:
        """The same text may be a Botmatic id and an external id."""
        store.save_ids(installation, "x", "y")
        store.save_ids(installation, "y", "x")
        store.save_ids(installation, "z", "z")
        assert pairs_in(store, installation, "xyz", "xyz") == {("x", "y"), ("y", "x"), ("z", "z")}
        assert store.delete_ids(installation, "x", "y") is True
        assert pairs_in(store, installation, "xyz", "xyz") == {("y", "x"), ("z", "z")}

    def test_a_removed_pair_is_gone_from_both_sides(self, store: KeyStore, installation: str) -> None:
        """The second time there is nothing to remove."""
        store.save_ids(installation, "b1", "e1")
        store.save_ids(installation, "b2", "e2")
        assert store.delete_ids(installation, "b1", "e1") is True
        assert store.delete_ids(installation, "b1", "e1") is False
        assert pairs_in(store, installation, ["b1", "b2"], ["e1", "e2"]) == {("b2", "e2")}

    def test_ids_that_are_not_paired_with_each_other_are_not_removed(self, store: KeyStore, installation: str) -> None:
        """`False`, and nothing is touched."""
        store.save_ids(installation, "b1", "e1")
        store.save_ids(installation, "b2", "e2")
        for botmatic_id, external_id in (("b1", "e2"), ("b2", "e1"), ("b1", "e3"), ("b3", "e1"), ("e1", "b1")):
            assert store.delete_ids(installation, botmatic_id, external_id) is False
        assert pairs_in(store, installation, ["b1", "b2", "b3"], ["e1", "e2", "e3"]) == {("b1", "e1"), ("b2", "e2")}

    def test_a_removed_pair_can_be_saved_again(self, store: KeyStore, installation: str) -> None:
        """Removing leaves nothing behind."""
        store.save_ids(installation, "b1", "e1")
        store.delete_ids(installation, "b1", "e1")
        store.save_ids(installation, "b1", "e2")
        assert pairs_in(store, installation, ["b1"], ["e1", "e2"]) == {("b1", "e2")}

    def test_all_pairs_of_an_installation_can_be_removed(self, store: KeyStore, installation: str) -> None:
        """Also when there are none; and it can be used again."""
        assert store.delete_all_ids(installation) is True
        names = [str(number) for number in range(20)]
        for name in names:
            store.save_ids(installation, f"b{name}", f"e{name}")
        assert store.delete_all_ids(installation) is True
        assert pairs_in(store, installation, [f"b{n}" for n in names], [f"e{n}" for n in names]) == set()
        assert store.delete_all_ids(installation) is True
        store.save_ids(installation, "b1", "e2")
        assert pairs_in(store, installation, ["b1"], ["e1", "e2"]) == {("b1", "e2")}

    def test_installations_do_not_see_each_other(self, store: KeyStore, installation: str) -> None:
        """The same ids may be paired otherwise in another installation."""
        other = f"{installation}2"
        store.save_ids(installation, "b1", "e1")
        store.save_ids(other, "b1", "e2")
        assert store.get_botmatic_id(other, "e1") is None
        assert store.delete_ids(other, "b1", "e1") is False
        assert pairs_in(store, installation, ["b1"], ["e1", "e2"]) == {("b1", "e1")}
        assert pairs_in(store, other, ["b1"], ["e1", "e2"]) == {("b1", "e2")}

    def test_numbers_become_text(self, store: KeyStore, installation: str) -> None:
        """Whole numbers are taken; text comes back, also for 0."""
        for botmatic_id, external_id in ((0, 7), (12, 0), ("34", 10**20), (-5, "6")):
            store.save_ids(installation, botmatic_id, external_id)
            for given in (botmatic_id, str(botmatic_id)):
                assert store.get_external_id(installation, given) == str(external_id)
            for given in (external_id, str(external_id)):
                assert store.get_botmatic_id(installation, given) == str(botmatic_id)
        assert store.delete_ids(installation, "0", 7) is True
        store.save_ids(42, "b", "e")
        assert store.get_external_id("42", "b") == "e"
        store.delete_all_ids(42)
        assert store.get_external_id("42", "b") is None

    def test_text_that_looks_like_something_else_stays_as_it_is(self, store: KeyStore, installation: str) -> None:
        """No digit is lost, no type is guessed."""
        texts = ["75001", "007", "7", "7.0", "1e5", "-0", "true", "null", "None", "[]", "98765432109876543210"]
        for text in texts:
            store.save_ids(installation, f"b {text}", text)
            store.save_ids(f"{installation} back", text, f"e {text}")
        for text in texts:
            assert store.get_external_id(installation, f"b {text}") == text
            assert store.get_botmatic_id(f"{installation} back", f"e {text}") == text

    def test_any_sequence_of_calls_keeps_the_pairs_one_to_one(self, store: KeyStore, installation: str) -> None:
        """The same 150 calls, chosen by chance once, are made on the store and on a set of pairs."""
        chance = random.Random(7)  # noqa: S311 - no secret
        botmatic_ids, external_ids = ["b1", "b2", "b3", "b4"], ["e1", "e2", "e3", "e4"]
        model: Pairs = set()
        for _ in range(150):
            botmatic_id, external_id = chance.choice(botmatic_ids), chance.choice(external_ids)
            if chance.random() < 0.7:
                assert store.save_ids(installation, botmatic_id, external_id) is True
                model = {pair for pair in model if pair[0] != botmatic_id and pair[1] != external_id}
                model.add((botmatic_id, external_id))
            else:
                assert store.delete_ids(installation, botmatic_id, external_id) is ((botmatic_id, external_id) in model)
                model.discard((botmatic_id, external_id))
            assert pairs_in(store, installation, botmatic_ids, external_ids) == model

    def test_a_store_can_be_closed_twice(self, store: KeyStore, installation: str) -> None:
        """The second time does nothing."""
        store.save_ids(installation, "b1", "e1")
        store.close()
        store.close()

"""Claiming contacts: who gets them, and what is known of them."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Lock
from typing import TYPE_CHECKING, Any, Final

import pytest

from key_stores.base import Baselines, Claimed, ContactClaims, ContactRef, KeyStore, KnownContact, Leases, Tombstones
from key_stores.errors import InvalidId
from key_stores.testing.faults import hasty_threads
from key_stores.testing.hostile import HOSTILE, NO_IDS
from key_stores.testing.tombstones import wait_until

if TYPE_CHECKING:

    class ClaimStore(KeyStore, ContactClaims):
        """A store with claims."""


_ODD: Final[dict[str, tuple[Any, Any, Any]]] = {
    "empty owner": ([ContactRef("b1")], "", 60),
    "no owner": ([ContactRef("b1")], None, 60),
    "no time": ([ContactRef("b1")], "me", 0),
    "negative time": ([ContactRef("b1")], "me", -1),
    "not a number": ([ContactRef("b1")], "me", float("nan")),
    "empty guard": ([ContactRef("b1"), ContactRef("b2", guards=("",))], "me", 60),
    "guards in one text": ([ContactRef("b1"), ContactRef("b2", guards="guard")], "me", 60),  # type: ignore[arg-type]  # what is tested
    "no contact": ([ContactRef("b1"), "b2"], "me", 60),
}


def b(id: str, *guards: str) -> ContactRef:
    """A contact by its Botmatic id."""
    return ContactRef(botmatic_id=id, guards=guards)


def e(id: str, *guards: str) -> ContactRef:
    """A contact by its external id."""
    return ContactRef(external_id=id, guards=guards)


def had(store: ClaimStore, installation: str, owner: str, *contacts: ContactRef, seconds: float = 60) -> Claimed:
    """Claim contacts; fail if they are not to be had."""
    claimed = store.claim(installation, contacts, owner, seconds)
    assert claimed is not None, f"{owner} did not get what nobody holds"
    return claimed


def is_free(store: ClaimStore, installation: str, *contacts: ContactRef) -> bool:
    """Whether somebody else could claim these contacts. They are as free, or not, as before."""
    claimed = store.claim(installation, contacts, "somebody else", 60)
    if claimed is not None:
        assert store.record(installation, claimed.leases, "somebody else") is True
    return claimed is not None


class ClaimsContract:
    """`claim`, `renew_claim`, and `record` as far as it gives back."""

    def test_a_contact_has_one_holder(self, store: ClaimStore, installation: str) -> None:
        """Another gets it once it is given back."""
        mine = had(store, installation, "me", b("b1"))
        assert store.claim(installation, [b("b1")], "you", 60) is None
        assert store.record(installation, mine.leases, "me") is True
        had(store, installation, "you", b("b1"))
        assert store.claim(installation, [b("b1")], "me", 60) is None

    def test_a_claim_says_what_is_known(self, store: ClaimStore, installation: str) -> None:
        """In the order in which contacts are asked for, from either side; numbers are text."""
        store.save_ids(installation, "b1", "e1")
        store.save_ids(installation, 2, 0)
        claimed = had(store, installation, "me", e("e1"), b("b3"), ContactRef(botmatic_id=2), e("e3"), b("b1"))
        assert claimed.contacts == (
            KnownContact("b1", "e1"),
            KnownContact("b3", None),
            KnownContact("2", "0"),
            KnownContact(None, "e3"),
            KnownContact("b1", "e1"),
        )
        assert [contact.paired for contact in claimed.contacts] == [True, False, True, False, True]

    def test_a_claim_gives_the_baseline(self, store: ClaimStore, installation: str) -> None:
        """Of the pair, from either side; an empty one is one."""
        if isinstance(store, Baselines):
            store.save_baselines(installation, [("b1", "e1", b"one"), ("b2", "e2", b"")])
            claimed = had(store, installation, "me", b("b1"), e("e2"), e("e1"), e("e3"))
            assert [contact.baseline for contact in claimed.contacts] == [b"one", b"", b"one", None]
        assert had(store, installation, "me", b("b4")).contacts[0].baseline is None

    def test_a_claim_says_whether_the_id_is_buried(self, store: ClaimStore, installation: str) -> None:
        """The one that was given."""
        if isinstance(store, Tombstones):
            store.save_ids(installation, "b1", "e1")
            store.bury_ids(installation, "b1", "e9", 60)
            store.bury_ids(installation, "b2", None, 0.05)
            claimed = had(store, installation, "me", b("b1"), e("e1"), e("e9"), b("e9"))
            assert [contact.buried for contact in claimed.contacts] == [True, False, True, False]
            assert claimed.contacts[0] == KnownContact("b1", "e1", None, True)
            wait_until(lambda: not had(store, installation, "me", b("b2")).contacts[0].buried, "a tombstone's end")
        assert had(store, installation, "me", b("b3")).contacts[0].buried is False

    def test_whoever_comes_from_the_other_side_waits(self, store: ClaimStore, installation: str) -> None:
        """Both ids of a pair are leased, whichever is claimed."""
        store.save_ids(installation, "b1", "e1")
        store.save_ids(installation, "b2", "e2")
        had(store, installation, "me", b("b1"), e("e2"))
        for contact in (e("e1"), b("b1"), b("b2"), e("e2")):
            assert store.claim(installation, [contact], "you", 60) is None

    def test_sides_and_guards_of_claims_do_not_mix(self, store: ClaimStore, installation: str) -> None:
        """The same text as Botmatic id, external id and guard is three leases."""
        had(store, installation, "me", b("x"))
        had(store, installation, "you", e("x"))
        had(store, installation, "he", b("y", "x"))
        assert store.claim(installation, [e("z", "x")], "me", 60) is None

    def test_all_contacts_are_claimed_or_none(self, store: ClaimStore, installation: str) -> None:
        """One that is held stands in the way of all, wherever it is named."""
        had(store, installation, "you", b("held"))
        for contacts in ([b("held"), b("b1"), e("e1")], [b("b1"), b("held"), e("e1")], [b("b1"), e("e1"), b("held")]):
            assert store.claim(installation, contacts, "me", 60) is None
        assert is_free(store, installation, b("b1"), e("e1"))

    def test_unpaired_contacts_with_a_guard_in_common_wait(self, store: ClaimStore, installation: str) -> None:
        """From either side; other guards do not matter. Nothing of a claim that is not had is leased."""
        had(store, installation, "me", b("b1", "anna@example.org", "other"))
        assert store.claim(installation, [e("e1", "anna@example.org")], "you", 60) is None
        assert store.claim(installation, [b("b2", "more", "anna@example.org")], "you", 60) is None
        assert is_free(store, installation, e("e1", "berta@example.org", "more"))

    def test_paired_contacts_do_not_lease_guards(self, store: ClaimStore, installation: str) -> None:
        """They are recognised by their ids. Nor does a guard that is held stand in their way."""
        store.save_ids(installation, "b1", "e1")
        store.save_ids(installation, "b2", "e2")
        had(store, installation, "me", b("b1", "guard"))
        had(store, installation, "you", b("b3", "guard"))
        had(store, installation, "he", e("e2", "guard"))

    def test_the_same_contact_may_be_claimed_several_times_at_once(self, store: ClaimStore, installation: str) -> None:
        """Or both ids of a pair, or two contacts with the same guard."""
        store.save_ids(installation, "b1", "e1")
        contacts = [b("b1"), e("e1"), b("b1"), b("b2", "g"), e("e3", "g", "g"), b("b2", "h")]
        claimed = had(store, installation, "me", *contacts)
        assert [contact.botmatic_id for contact in claimed.contacts] == ["b1", "b1", "b1", "b2", None, "b2"]
        assert len(set(claimed.leases)) == len(claimed.leases)
        assert store.record(installation, claimed.leases, "me") is True
        for contact in (*contacts, b("b9", "h")):
            assert is_free(store, installation, contact)

    def test_the_holder_may_claim_again(self, store: ClaimStore, installation: str) -> None:
        """Together with others; its time is counted anew."""
        first = had(store, installation, "me", b("b1", "g"), seconds=0.3)
        again = had(store, installation, "me", b("b1", "g"), b("b2"))
        assert set(first.leases) < set(again.leases)
        had(store, installation, "me", b("b3"), seconds=0.3)
        wait_until(lambda: store.claim(installation, [b("b3")], "you", 60) is not None, "the end of a claim")
        assert store.renew_claim(installation, first.leases, "me", 60) is True
        assert store.claim(installation, [b("b1")], "you", 60) is None
        assert store.claim(installation, [e("e1", "g")], "you", 60) is None

    def test_a_claim_ends_by_itself(self, store: ClaimStore, installation: str) -> None:
        """Its former holder can neither renew nor give it back."""
        mine = had(store, installation, "me", b("b1", "g"), seconds=0.05)
        wait_until(lambda: store.claim(installation, [b("b1")], "you", 60) is not None, "the end of a claim")
        assert store.renew_claim(installation, mine.leases, "me", 60) is False
        store.record(installation, mine.leases, "me")
        assert store.claim(installation, [b("b1")], "someone else", 60) is None

    def test_a_claim_that_ended_is_not_renewed(self, store: ClaimStore, installation: str) -> None:
        """Even if nobody took it since."""
        mine = had(store, installation, "me", b("b1"), seconds=0.05)
        wait_until(lambda: not store.renew_claim(installation, mine.leases, "me", 0.001), "the end of a claim")
        assert store.renew_claim(installation, mine.leases, "me", 60) is False

    def test_a_claim_is_renewed_by_its_holder_alone(self, store: ClaimStore, installation: str) -> None:
        """All of it or nothing; nobody renews what is not held."""
        mine = had(store, installation, "me", b("b1"), seconds=0.3)
        yours = had(store, installation, "you", b("b2"))
        assert store.renew_claim(installation, mine.leases, "you", 60) is False
        assert store.renew_claim(installation, [*mine.leases, *yours.leases], "me", 3600) is False
        wait_until(lambda: store.claim(installation, [b("b1")], "him", 0.3) is not None, "the end of a claim")
        his = had(store, installation, "him", b("b1"), seconds=0.3)
        assert store.renew_claim(installation, his.leases, "him", 60) is True
        had(store, installation, "me", b("b3"), seconds=0.3)
        wait_until(lambda: store.claim(installation, [b("b3")], "you", 60) is not None, "the end of a claim")
        assert store.claim(installation, [b("b1")], "you", 60) is None

    def test_only_the_holder_gives_a_claim_back(self, store: ClaimStore, installation: str) -> None:
        """Others' leases are left as they are, and nothing is recorded for who names them."""
        mine = had(store, installation, "me", b("b1"))
        yours = had(store, installation, "you", b("b2"))
        assert store.record(installation, [*yours.leases, *mine.leases], "me") is False
        assert is_free(store, installation, b("b1"))
        assert store.claim(installation, [b("b2")], "someone else", 60) is None

    def test_claims_of_installations_are_apart(self, store: ClaimStore, installation: str) -> None:
        """Neither ids nor guards."""
        mine = had(store, installation, "me", b("b1", "g"))
        had(store, f"{installation}2", "you", b("b1", "g"))
        assert store.renew_claim(f"{installation}2", mine.leases, "me", 60) is False
        store.delete_all_ids(f"{installation}2")
        assert store.claim(installation, [b("b1")], "you", 60) is None

    def test_removing_an_installation_ends_its_claims(self, store: ClaimStore, installation: str) -> None:
        """Whoever holds them has lost them, and others can claim."""
        mine = had(store, installation, "me", b("b1", "g"))
        store.delete_all_ids(installation)
        assert store.renew_claim(installation, mine.leases, "me", 60) is False
        had(store, installation, "you", b("b1"), e("e1", "g"))

    def test_claims_and_leases_do_not_touch_each_other(self, store: ClaimStore, installation: str) -> None:
        """Where a store has both."""
        had(store, installation, "me", b("b1", "g"))
        if isinstance(store, Leases):
            assert store.acquire_leases(installation, ["b1", "g", "b:b1", "bb1"], "you", 60) is True
            assert store.acquire_leases(installation, ["b2", "b:b2", "bb2", "h"], "you", 60) is True
        had(store, installation, "me", b("b2", "h"))

    def test_hostile_ids_and_guards_are_only_texts(self, store: ClaimStore, installation: str) -> None:
        """Every second id and guard is somebody's, all at once."""
        ids = list(HOSTILE.values())
        for id, partner in zip(ids[::2], ids[1::2], strict=False):
            store.save_ids(installation, id, f"e{partner}")
        mine = had(store, installation, "me", *(b(id) for id in ids[::2]), *(e(id, f"g{id}") for id in ids[::2]))
        yours = had(store, installation, "you", *(b(id) for id in ids[1::2]), *(e(id, f"g{id}") for id in ids[1::2]))
        assert not set(mine.leases) & set(yours.leases)
        assert [contact.botmatic_id for contact in mine.contacts[: len(ids[::2])]] == ids[::2]
        for id in ids:
            assert store.claim(installation, [b(id)], "someone else", 60) is None
            assert store.claim(installation, [b("free", f"g{id}")], "someone else", 60) is None
        assert store.renew_claim(installation, mine.leases, "me", 60) is True
        assert store.record(installation, yours.leases, "you") is True
        assert is_free(store, installation, *(b(id) for id in ids[1::2]))

    def test_many_contacts_are_one_claim(self, store: ClaimStore, installation: str) -> None:
        """As an import claims them; some are paired."""
        for number in range(0, 300, 10):
            store.save_ids(installation, f"b{number}", f"e{number}")
        claimed = had(store, installation, "me", *(b(f"b{number}", f"g{number}") for number in range(1000)))
        assert sum(contact.paired for contact in claimed.contacts) == 30
        assert len(claimed.leases) == 2000
        assert store.renew_claim(installation, claimed.leases, "me", 60) is True
        assert store.record(installation, claimed.leases, "me") is True

    def test_no_contacts_at_all_are_claimed_at_once(self, store: ClaimStore, installation: str) -> None:
        """An empty list is no mistake."""
        claimed = store.claim(installation, [], "me", 60)
        assert claimed == Claimed((), ())
        assert store.renew_claim(installation, [], "me", 60) is True
        assert store.record(installation, [], "me") is True

    def test_of_many_at_once_one_gets_the_contact(self, store: ClaimStore, installation: str) -> None:
        """Eight threads, from both sides, with and without a pair: there are never two holders."""
        store.save_ids(installation, "b1", "e1")
        start, locks = Barrier(8), (Lock(), Lock())
        alone: list[bool] = []

        def work(number: int) -> None:
            contact = [b("b1"), e("e1"), b("b2", "guard"), e("e3", "guard")][number % 4]
            start.wait(60)
            done = 0
            while done < 5:
                claimed = store.claim(installation, [contact], f"owner {number}", 60)
                if claimed is None:
                    continue
                lock = locks[number % 4 // 2]
                alone.append(lock.acquire(blocking=False))
                time.sleep(0)  # lets another in, if there is one
                if alone[-1]:
                    lock.release()
                assert store.record(installation, claimed.leases, f"owner {number}") is True
                done += 1

        with hasty_threads(), ThreadPoolExecutor(8) as pool:
            for running in [pool.submit(work, number) for number in range(8)]:
                running.result()
        assert alone == [True] * 40

    @pytest.mark.parametrize(("contacts", "owner", "seconds"), _ODD.values(), ids=_ODD.keys())
    def test_odd_claims_are_refused(
        self, store: ClaimStore, installation: str, contacts: Any, owner: Any, seconds: Any
    ) -> None:
        """`ValueError`, and nothing is claimed."""
        with pytest.raises(ValueError, match=r"name|owner|seconds|contact"):
            store.claim(installation, contacts, owner, seconds)
        assert is_free(store, installation, b("b1"))
        calls: list[Callable[[], object]] = [
            lambda: store.renew_claim(installation, ["l"], "", 60),
            lambda: store.renew_claim(installation, ["l"], "me", 0),
            lambda: store.record(installation, ["l"], ""),
        ]
        for call in calls:
            with pytest.raises(ValueError, match=r"owner|seconds"):
                call()

    def test_what_is_no_id_is_not_claimed(self, store: ClaimStore, installation: str) -> None:
        """Nor are no id and two ids."""
        for what, id in NO_IDS.items():
            if id is not None:
                for contact in (ContactRef(botmatic_id=id), ContactRef(external_id=id)):
                    with pytest.raises(InvalidId):
                        pytest.fail(f"{what} was taken: {store.claim(installation, [b('b1'), contact], 'me', 60)}")
            with pytest.raises(InvalidId):
                pytest.fail(f"{what} was taken: {store.claim(id, [b('b1')], 'me', 60)}")
        for contact in (ContactRef(), ContactRef("b1", "e1")):
            with pytest.raises(InvalidId):
                store.claim(installation, [contact], "me", 60)
        assert is_free(store, installation, b("b1"))

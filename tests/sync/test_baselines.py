"""Baselines: bound to pair, field, installation and key; small; and of no use to whoever reads the store."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contact_sync.baselines import KEY_RECORD, Baseline, Keys, Names, is_begun
from key_stores import Baselines, KeyStore, MemoryKeyStore
from mappers import Mapper
from mappers import Mapping as Row
from tests.sync.helpers import INSTALLATION, TOKEN, World, crm_with, make_world

KEY, NEW_KEY = "a" * 40, "b" * 40
FIELDS = ["email", "firstname", "phone"]
NOW, LATE = 1_800_000_000.0, 300.0


def keys_of(*secrets: str, installation: str = "i") -> Any:
    return Keys(secrets, MemoryKeyStore(), lambda _: nullcontext()).of(installation)


def baseline(packed: bytes | None = None, *, pair: tuple[str, str] = ("7", "1"), keys: Any = None) -> Baseline:
    return Baseline(Names(FIELDS), keys or keys_of(KEY), *pair, packed)


def agreed(value: object, **options: Any) -> bytes:
    """The packed baseline of a pair whose phone is a value on both sides."""
    made = baseline(**options)
    for side in ("botmatic", "ext"):
        made.agree("phone", side, value)
    packed = made.pack(NOW, LATE)
    assert packed is not None
    return packed


# The digests


def test_a_value_that_was_agreed_on_is_the_same_and_every_other_one_has_changed() -> None:
    known = baseline(agreed("0612"))
    assert known.changed("phone", "ext", "0612") is False
    assert known.changed("phone", "botmatic", "0613") is True
    assert known.changed("email", "ext", "0612") is None


@pytest.mark.parametrize("value", [None, "", "None", 0, "0", False, True, "False", 1, 1.5, ("a",)], ids=repr)
def test_no_value_is_taken_for_one_that_looks_like_it(value: object) -> None:
    known = baseline(agreed(value))
    for other in (None, "", "None", 0, "0", False, True, "False", 1, 1.5, ("a",)):
        same = other is value or (type(other) is type(value) and other == value)
        assert known.changed("phone", "ext", other) is not same


@pytest.mark.parametrize(
    "options",
    [
        {"pair": ("8", "1")},
        {"pair": ("7", "2")},
        {"pair": ("71", "")},
        {"keys": keys_of(NEW_KEY)},
        {"keys": keys_of(KEY, installation="j")},
    ],
    ids=["another contact", "another record", "the ids run together", "another key", "another installation"],
)
def test_the_digests_are_bound_to_pair_key_and_installation(options: dict[str, Any]) -> None:
    assert agreed("0612")[-6:] != agreed("0612", **options)[-6:]


def test_the_digests_are_bound_to_the_field() -> None:
    made = baseline()
    for field in FIELDS:
        made.agree(field, "ext", "0612")
    packed = made.pack(NOW, LATE) or b""
    entries = {packed[place + 3 : place + 9] for place in range(len(packed) - 27, len(packed), 9)}
    assert len(entries) == 3


VALUES = st.none() | st.booleans() | st.integers() | st.text("ab0é\0", max_size=20)


@given(st.dictionaries(st.sampled_from(FIELDS), VALUES), st.booleans())
def test_what_is_packed_is_read_again_and_packed_to_the_same(values: dict[str, object], both: bool) -> None:
    made = baseline()
    for field, value in values.items():
        made.agree(field, "ext", value)
        if both:
            made.agree(field, "botmatic", value)
    packed = made.pack(NOW, LATE)
    assert packed is not None
    again = baseline(packed)
    for field in FIELDS:
        expected = False if field in values else None
        assert again.changed(field, "ext", values.get(field)) is expected
        assert again.changed(field, "botmatic", values.get(field)) is (expected if both else None)
    assert again.pack(NOW, LATE) is None  # nothing has moved
    assert is_begun(packed) is not bool(values)


@given(st.binary(max_size=60))
def test_junk_is_as_good_as_no_baseline(junk: bytes) -> None:
    known = baseline(junk)
    assert [known.changed(field, "ext", "x") for field in FIELDS] == [None] * 3
    assert not known.is_former("phone", "x", NOW, LATE)


def test_a_baseline_that_was_cut_short_or_has_another_format_is_as_good_as_none() -> None:
    packed = agreed("0612")
    for broken in (packed[:-1], packed + b"x", b"\x02" + packed[1:], b""):
        assert baseline(broken).changed("phone", "ext", "0612") is None


# Former values


def test_a_value_from_before_we_wrote_is_former_until_the_news_has_come_or_it_is_late() -> None:
    made = baseline(agreed("0612"))
    made.wrote("phone", "botmatic", "0700", NOW)
    made.wrote("phone", "botmatic", "0800", NOW)
    known = baseline(made.pack(NOW, LATE))
    assert known.is_former("phone", "0612", NOW + 1, LATE)
    assert known.is_former("phone", "0700", NOW + LATE, LATE)
    assert not known.is_former("phone", "0800", NOW, LATE)  # that is what it has now
    assert not known.is_former("phone", "0612", NOW + LATE + 1, LATE)
    known.heard("phone")
    assert not known.is_former("phone", "0612", NOW + 1, LATE)


def test_a_value_that_we_write_again_is_former_no_more() -> None:
    made = baseline(agreed("0612"))
    made.wrote("phone", "botmatic", "0700", NOW)
    made.wrote("phone", "botmatic", "0612", NOW)
    assert not made.is_former("phone", "0612", NOW, LATE)
    assert made.is_former("phone", "0700", NOW, LATE)


def test_former_values_are_few_and_are_dropped_when_they_are_late() -> None:
    made = baseline(agreed("0"))
    for number in range(1, 100):
        made.wrote("phone", "botmatic", str(number), NOW)
    assert made.is_former("phone", "98", NOW, LATE)
    assert sum(made.is_former("phone", str(number), NOW, LATE) for number in range(100)) < 10
    made.agree("phone", "ext", "99")
    late = made.pack(NOW + LATE + 1, LATE) or b""
    assert len(late) == len(agreed("0612"))


# What it costs


def test_eleven_fields_on_which_both_sides_agree_take_twelve_bytes_each_at_most() -> None:
    fields = [f"field_{number}" for number in range(11)]
    made = Baseline(Names(fields), keys_of(KEY), "7" * 24, "1" * 24)
    for field in fields:
        made.agree(field, "botmatic", "a value that is rather long " * 10)
        made.agree(field, "ext", "a value that is rather long " * 10)
    packed = made.pack(NOW, LATE) or b""
    assert len(packed) <= 11 * 12


def test_no_two_fields_of_a_large_table_have_one_name() -> None:
    fields = [f"field_{number}" for number in range(5_000)]
    names = Names(fields)
    assert len({names.of(field) for field in fields}) == 5_000


# Keys


class Synced:
    """Ana on both sides, in one store, seen by syncs with different keys."""

    def __init__(self, *secrets: str) -> None:
        self.store = MemoryKeyStore()
        self.crm = crm_with()
        first = self.world(*secrets)
        self.platform = first.platform
        self.platform.contacts["7"] = {}
        first.event("contact_created", {"id": 7, "firstname": "Ana", "phone": "0612"})

    def world(self, *secrets: str) -> World:
        platform = getattr(self, "platform", None)
        return make_world(store=self.store, crm=self.crm, platform=platform, secret_keys=secrets)


CLEARED = {"id": 7, "firstname": "Ana", "phone": ""}


def test_a_new_first_key_leaves_baselines_readable_while_the_old_one_is_there() -> None:
    synced = Synced(KEY)
    world = synced.world(NEW_KEY, KEY)
    assert world.event("contact_updated", {"id": 7, "firstname": "Ana"})["data"]["action"] == "unchanged"
    assert world.event("contact_updated", CLEARED)["data"]["action"] == "updated"
    assert synced.crm.records["1"]["phone_number"] is None


def test_when_an_old_key_is_dropped_its_baselines_are_as_good_as_none_and_nothing_is_cleared() -> None:
    synced = Synced(KEY)
    world = synced.world(NEW_KEY)
    assert world.event("contact_updated", CLEARED)["data"]["success"]
    assert synced.crm.records["1"]["phone_number"] == "0612"
    assert world.event("contact_updated", CLEARED | {"phone": "0612"})["data"]["success"]
    assert world.event("contact_updated", CLEARED)["data"]["action"] == "updated"
    assert synced.crm.records["1"]["phone_number"] is None


def test_without_secret_keys_there_is_a_random_key_in_the_store_that_all_processes_share() -> None:
    synced = Synced()
    key = synced.store.get_record(INSTALLATION, KEY_RECORD)
    assert key is not None
    assert len(bytes.fromhex(key)) == 32
    other = synced.world()
    assert other.event("contact_updated", {"id": 7, "firstname": "Ana"})["data"]["action"] == "unchanged"
    assert synced.store.get_record(INSTALLATION, KEY_RECORD) == key


def test_baselines_outlive_the_introduction_of_secret_keys() -> None:
    """They go on with the random key that is in the store, and with the new one when they are written next."""
    synced = Synced()
    world = synced.world(KEY)
    assert world.event("contact_updated", {"id": 7, "firstname": "Ana"})["data"]["action"] == "unchanged"
    assert world.event("contact_updated", CLEARED)["data"]["action"] == "updated"
    assert synced.crm.records["1"]["phone_number"] is None


def test_with_secret_keys_no_key_is_in_the_store() -> None:
    synced = Synced(KEY)
    assert synced.store.get_record(INSTALLATION, KEY_RECORD) is None


def test_a_key_says_nothing_of_itself() -> None:
    (key,) = keys_of(KEY)
    assert repr(key) == "<Key>"
    assert KEY not in str(vars(key))


# In the sync


def test_a_store_of_each_kind_keeps_baselines_or_says_that_it_does_not(store: KeyStore) -> None:
    world = make_world(store=store)
    world.event("contact_created", {"id": 7, "firstname": "Ana"})
    again = world.event("contact_updated", {"id": 7, "firstname": "Ana"})["data"]["action"]
    assert again == ("unchanged" if isinstance(store, Baselines) else "updated")


def test_rows_of_the_same_fields_under_other_keys_do_not_read_each_others_digests() -> None:
    """A row that was renamed in the table is new: what was agreed on under its old name is not taken for it."""
    store, crm = MemoryKeyStore(), crm_with()
    before = make_world(store=store, crm=crm, mapper=Mapper([Row("id", "ref", id=True), Row("phone", "phone_number")]))
    before.event("contact_created", {"id": 7, "phone": "0612"})
    renamed = Mapper([Row("id", "ref", id=True), Row("mobile", "phone_number")])
    after = make_world(store=store, crm=crm, mapper=renamed, platform=before.platform)
    assert after.event("contact_updated", {"id": 7, "mobile": ""}, TOKEN)["data"]["success"]
    assert crm.records["1"]["phone_number"] == "0612"

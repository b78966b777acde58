"""Taking over the pairs of the Node library's Redis layout.

There, a pair is two text keys: `<token>:b:<Botmatic id>` holds the external id, `<token>:e:<external id>` holds the
Botmatic id. They were written one after the other and never cleaned up, so the two may disagree, and the token and the
ids may hold `:b:` themselves. What is done with a key:

    both directions agree                       the pair is saved
    the other direction is missing              saved at the end, if the token has other pairs (a half-written pair)
    the other direction names another id        not taken: a stale key, and the other one decides
    it can be read in several ways              that in which both directions agree; none or several: not taken
    an id is in another pair in the new store   not taken: what is there already is newer

So it is safe to run twice, and to go on after an interruption.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final, Literal

from key_stores.base import KeyStore, PairBatches
from key_stores.redis.backend import Backend, Client

Progress = Callable[[int, int], object]
"""Is told how many keys of the source have been gone through, and about how many there are."""

_PAGE: Final = 1000
_MARK: Final = re.compile(r"(?=:([be]):)")
_SPECIAL: Final = re.compile(r"[\\*?\[\]^-]")


@dataclass(slots=True)
class MigrationReport:
    """What was taken over, and what was not.

    Attributes:
        dry_run: Whether nothing was written; the numbers then say what would be.
        saved: How many pairs were saved, by installation id.
        present: Pairs that the new store had already.
        halves: Of the saved pairs, those of which the source had one direction alone.
        stale: Keys whose other direction names another id.
        conflicts: Pairs of which an id is in another pair in the new store.
        ambiguous: Keys that can be read in several ways.
        foreign: Keys that only look alike and belong to no token with pairs; text that is not UTF-8.
        deleted: Keys that were removed from the source.
    """

    dry_run: bool = False
    saved: Counter[str] = field(default_factory=Counter)
    present: int = 0
    halves: int = 0
    stale: int = 0
    conflicts: int = 0
    ambiguous: int = 0
    foreign: int = 0
    deleted: int = 0


@dataclass(frozen=True, slots=True)
class _Reading:
    """One way to read a key: whose it is, and the pair that it stands for."""

    token: str
    side: Literal["b", "e"]
    id: str
    other: str

    @property
    def pair(self) -> tuple[str, str]:
        return (self.id, self.other) if self.side == "b" else (self.other, self.id)

    @property
    def key(self) -> str:
        return f"{self.token}:{self.side}:{self.id}"

    @property
    def partner(self) -> str:
        return f"{self.token}:{'e' if self.side == 'b' else 'b'}:{self.other}"


def migrate_node_layout(
    source: Client | str,
    target: KeyStore,
    *,
    installation_of: Callable[[str], str],
    only_token: str | None = None,
    dry_run: bool = False,
    delete_source: bool = False,
    progress: Progress = lambda _done, _total: None,
) -> MigrationReport:
    """Save the pairs of the Node layout in a store. The source is read with `SCAN`, so it may be in use meanwhile.

    Args:
        source: A Redis client, which stays open, or a URL; one server, no cluster.
        target: The store to save them in. May be the same Redis.
        installation_of: Gives the installation id for a raw token. No token is kept or shown.
        only_token: The token whose pairs alone are taken. Its keys can be read in one way only.
        dry_run: Write nothing.
        delete_source: Remove the keys of each pair that the new store has, directly after it was saved.
        progress: Is called after each page of keys.

    Raises:
        KeyStoreError: Source or target failed; what was saved until then stays.
    """
    backend = Backend(source)
    try:
        return _Migration(backend, target, installation_of, only_token, dry_run, delete_source).run(progress)
    finally:
        backend.close()


class _Migration:
    def __init__(
        self,
        source: Backend,
        target: KeyStore,
        installation_of: Callable[[str], str],
        only_token: str | None,
        dry_run: bool,
        delete_source: bool,
    ) -> None:
        self._source = source
        self._target = target
        self._installation_of = installation_of
        self._only_token = only_token
        self._delete_source = delete_source and not dry_run
        self._report = MigrationReport(dry_run=dry_run)
        self._tokens = set() if only_token is None else {only_token}
        self._halves: set[_Reading] = set()
        self._unclear: list[list[_Reading]] = []

    def run(self, progress: Progress) -> MigrationReport:
        for done, total, keys in self._pages():
            self._take(self._complete(keys))
            progress(done, total)
        ours = {half for half in self._halves if half.token in self._tokens}
        self._report.foreign += len(self._halves) - len(ours)
        before = self._report.saved.total()
        for half in sorted(ours, key=lambda reading: (reading.token, reading.pair)):
            self._take([half])  # one by one: halves may contradict each other
        self._report.halves = self._report.saved.total() - before
        for readings in self._unclear:
            known = any(reading.token in self._tokens for reading in readings)
            self._report.ambiguous += known
            self._report.foreign += not known
        return self._report

    def _pages(self) -> Iterator[tuple[int, int, list[str]]]:
        token = "*" if self._only_token is None else _SPECIAL.sub(r"\\\g<0>", self._only_token)
        total = int(self._source.run("DBSIZE"))
        done, cursor = 0, -1
        while cursor != 0:
            query = ("MATCH", f"{token}:[be]:*".encode(), "COUNT", _PAGE, "TYPE", "string")
            cursor, found = self._source.run("SCAN", max(cursor, 0), *query)
            done += _PAGE
            keys = [_text(key) for key in found]
            self._report.foreign += keys.count(None)
            yield (total if cursor == 0 else min(done, total)), total, [key for key in keys if key is not None]

    def _complete(self, keys: list[str]) -> list[_Reading]:
        """The pairs of a page whose two directions agree. The rest is noted."""
        values = self._get(keys)
        readings = [self._readings(key, value) for key in keys if (value := values.get(key)) is not None]
        partners = self._get([reading.partner for several in readings for reading in several])
        found = (self._complete_in(several, partners) for several in readings)
        return [reading for reading in found if reading is not None]

    def _complete_in(self, several: list[_Reading], partners: dict[str, str]) -> _Reading | None:
        agreeing = [reading for reading in several if partners.get(reading.partner) == reading.id]
        if self._only_token is not None:
            mine = [reading for reading in agreeing if reading.token == self._only_token]
            if agreeing and not mine:
                return None  # another token's
            agreeing, several = mine, [reading for reading in several if reading.token == self._only_token]
        if len(agreeing) == 1:
            self._tokens.add(agreeing[0].token)
            return agreeing[0] if agreeing[0].side == "b" else None  # its other key comes on its own
        if agreeing or len(several) != 1:
            self._unclear.append(agreeing or several)
        elif several[0].partner in partners:
            self._report.stale += 1
        else:
            self._halves.add(several[0])
        return None

    def _readings(self, key: str, value: str) -> list[_Reading]:
        marks = ((match.start(), match[1]) for match in _MARK.finditer(key))
        return [
            _Reading(key[:start], "b" if side == "b" else "e", key[start + 3 :], value)
            for start, side in marks
            if key[:start] and key[start + 3 :] and value
        ]

    def _get(self, keys: list[str]) -> dict[str, str]:
        found: dict[str, str] = {}
        for start in range(0, len(keys), _PAGE):
            some = keys[start : start + _PAGE]
            values = self._source.run("MGET", *(key.encode() for key in some))  # none for what is no text
            texts = ((key, _text(value)) for key, value in zip(some, values, strict=True) if value is not None)
            found.update((key, text) for key, text in texts if text is not None)
        return found

    def _take(self, readings: Iterable[_Reading]) -> None:
        by_token: dict[str, list[_Reading]] = {}
        for reading in readings:
            by_token.setdefault(reading.token, []).append(reading)
        for token, some in by_token.items():
            self._save(self._installation_of(token), some)

    def _save(self, installation: str, readings: list[_Reading]) -> None:
        external = _look_up(self._target, installation, "b", [reading.pair[0] for reading in readings])
        botmatic = _look_up(self._target, installation, "e", [reading.pair[1] for reading in readings])
        new, present = [], []
        for reading in readings:
            botmatic_id, external_id = reading.pair
            if external.get(botmatic_id) == external_id:
                present.append(reading)
            elif botmatic_id in external or external_id in botmatic:
                self._report.conflicts += 1
            else:
                new.append(reading)
        if new and not self._report.dry_run:
            _save(self._target, installation, [reading.pair for reading in new])
        self._report.present += len(present)
        self._report.saved[installation] += len(new)
        if self._delete_source and (new or present):
            keys = [key for reading in new + present for key in (reading.key, reading.partner)]
            self._report.deleted += int(self._source.run("UNLINK", *(key.encode() for key in keys)))


def _look_up(store: KeyStore, installation: str, side: Literal["b", "e"], ids: list[str]) -> dict[str, str]:
    if isinstance(store, PairBatches):
        ask = store.get_external_ids if side == "b" else store.get_botmatic_ids
        return ask(installation, ids)
    ask_one = store.get_external_id if side == "b" else store.get_botmatic_id
    found = ((id, ask_one(installation, id)) for id in ids)
    return {id: other for id, other in found if other is not None}


def _save(store: KeyStore, installation: str, pairs: list[tuple[str, str]]) -> None:
    if isinstance(store, PairBatches):
        store.save_many(installation, pairs)
        return
    for pair in pairs:
        store.save_ids(installation, *pair)


def _text(value: bytes) -> str | None:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return None

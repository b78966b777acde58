"""A key store in one JSON file: {installation: {Botmatic id: external id}}.

Good for a few thousand pairs and a few writers; it shows what a store of one's own has to see to.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
from collections.abc import Iterator
from pathlib import Path

from key_stores import Id, KeyStore, KeyStoreError, Ping, StoreUnavailable, as_id

Pairs = dict[str, dict[str, str]]


class JSONFileKeyStore(KeyStore, Ping):
    """Keeps one direction alone, so that there is no other that could disagree with it.

    Args:
        path: The file; it need not exist, but its folder must. A file `<path>.lock` stands beside it.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = path.with_name(f"{path.name}.lock")

    def save_ids(self, integration_id: Id, botmatic_id: Id, external_id: Id) -> bool:
        installation, botmatic, external = as_id(integration_id), as_id(botmatic_id), as_id(external_id)
        with self._changing() as pairs:
            kept = {b: e for b, e in pairs.get(installation, {}).items() if b != botmatic and e != external}
            pairs[installation] = {**kept, botmatic: external}
        return True

    def get_botmatic_id(self, integration_id: Id, external_id: Id) -> str | None:
        installation, external = as_id(integration_id), as_id(external_id)
        pairs = self._read().get(installation, {})
        return next((b for b, e in pairs.items() if e == external), None)

    def get_external_id(self, integration_id: Id, botmatic_id: Id) -> str | None:
        installation, botmatic = as_id(integration_id), as_id(botmatic_id)
        return self._read().get(installation, {}).get(botmatic)

    def delete_ids(self, integration_id: Id, botmatic_id: Id, external_id: Id) -> bool:
        installation, botmatic, external = as_id(integration_id), as_id(botmatic_id), as_id(external_id)
        with self._changing() as pairs:
            if pairs.get(installation, {}).get(botmatic) != external:
                return False
            del pairs[installation][botmatic]
        return True

    def delete_all_ids(self, integration_id: Id) -> bool:
        installation = as_id(integration_id)
        with self._changing() as pairs:
            pairs.pop(installation, None)
        return True

    def ping(self) -> None:
        self._read()

    def _read(self) -> Pairs:
        with _translated():
            if not self._path.parent.is_dir():
                raise StoreUnavailable("the folder of the key store's file is not there")
            if not self._path.exists():
                return {}
            pairs: Pairs = json.loads(self._path.read_text("utf-8"))
            return pairs

    @contextlib.contextmanager
    def _changing(self) -> Iterator[Pairs]:
        """Read, let the caller change it, and put a whole new file in its place, in one step or not at all."""
        with _translated(), self._lock.open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # threads and processes take turns; given back when the file is closed
            pairs = self._read()
            yield pairs
            draft = self._path.with_name(f"{self._path.name}.new")
            with draft.open("w", encoding="utf-8") as file:
                json.dump(pairs, file)
                file.flush()
                os.fsync(file.fileno())
            draft.replace(self._path)


@contextlib.contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except json.JSONDecodeError as error:
        raise KeyStoreError("the key store's file is no JSON; was it edited by hand?") from error
    except OSError as error:
        raise StoreUnavailable(f"the key store's file cannot be used ({type(error).__name__})") from error

"""A user's own store: the five methods and nothing else."""

from __future__ import annotations

from key_stores import Id, KeyStore


class FiveMethods(KeyStore):
    """Hands the five methods on to another store, and hides whatever else that one can do."""

    def __init__(self, inner: KeyStore) -> None:
        self.inner = inner

    def save_ids(self, integration_id: Id, botmatic_id: Id, external_id: Id) -> bool:
        return self.inner.save_ids(integration_id, botmatic_id, external_id)

    def get_botmatic_id(self, integration_id: Id, external_id: Id) -> str | None:
        return self.inner.get_botmatic_id(integration_id, external_id)

    def get_external_id(self, integration_id: Id, botmatic_id: Id) -> str | None:
        return self.inner.get_external_id(integration_id, botmatic_id)

    def delete_ids(self, integration_id: Id, botmatic_id: Id, external_id: Id) -> bool:
        return self.inner.delete_ids(integration_id, botmatic_id, external_id)

    def delete_all_ids(self, integration_id: Id) -> bool:
        return self.inner.delete_all_ids(integration_id)

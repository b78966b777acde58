"""The consumer of an API that is declared."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain, islice
from os import PathLike
from pathlib import Path
from typing import Any, Self

from contact_sync.consumer import (
    PAGE_SIZE,
    READ_ONLY,
    Ability,
    Changes,
    CRMField,
    ExternalAPIConsumer,
    ManyResults,
    ResultLike,
)
from contact_sync.consumers.auth import SharedTokens, open_auth
from contact_sync.consumers.http import UnreadableAnswer
from contact_sync.errors import ConfigurationError, ContactSyncError
from contact_sync.results import NOT_FOUND, Result, to_result
from key_stores import KeyStore

from .answers import Answer
from .batches import send_many
from .calling import Caller, Ended, UnexpectedAnswer
from .changes import tell
from .dates import Unwritable
from .declaration import Declaration, read_declaration
from .endpoints import Endpoint
from .looking import look
from .lookup import at
from .naming import name_fields
from .paging import Ask, Page, Paging, walk
from .reading import Problems
from .rules import id_at
from .single import Create, OfOne
from .sources import from_file, from_text, with_environment
from .special import FieldsFrom
from .templates import Values
from .whose import Outgoing


class RestConsumer(ExternalAPIConsumer):
    """The contacts of a CRM with a JSON API, which is declared: see `docs/rest-consumer.md`.

        RestConsumer.from_file("acme.yaml", key_store=store, secret_keys=keys)

    Where a CRM does a thing in a way that cannot be declared, subclass it and override that method.

    Args:
        declaration: The API. It stays as it is.
        key_store: Where tokens that run out are kept, so that processes share them; the same as `ContactSync`'s.
        secret_keys: What they are sealed with; the same, too. Without them, each process gets tokens of its own.

    Raises:
        ConfigurationError: The declaration is wrong. The message lists everything that is, each with its place and what
            to write there; it holds no values.
    """

    def __init__(
        self,
        declaration: Mapping[str, Any],
        *,
        key_store: KeyStore | None = None,
        secret_keys: Sequence[str] = (),
    ) -> None:
        problems = Problems()
        declared = read_declaration(declaration, problems)
        tokens = None if key_store is None else SharedTokens(key_store, secret_keys)
        auth = None
        try:
            auth = open_auth(
                declared.auth, where="auth", base_url=declared.base_url, tokens=tokens, timeouts=declared.timeouts
            )
        except ConfigurationError as error:
            problems.add_line(str(error))
        problems.raise_any(type(self).__name__)
        self._declared = declared
        self._shape = declared.shape
        self._caller = Caller(declared, auth)
        self.partial_updates = declared.shape.partial_updates
        self.omits_empty = declared.shape.omits_empty
        self.clear_value = declared.shape.clear
        self.unique_keys = declared.shape.unique
        self.read_only_fields = declared.shape.read_only
        self.rate_budget = declared.rate.budget
        self.can_create = declared.create is not None
        self.can_update = declared.update is not None
        self.can_delete = declared.delete is not None
        sizes = [batch.size for batch in (declared.create_many, declared.update_many) if batch is not None]
        self.batch_size = min(sizes, default=1)
        self.lacks = _lacking(declared)

    @classmethod
    def from_yaml(
        cls,
        text: str,
        *,
        key_store: KeyStore | None = None,
        secret_keys: Sequence[str] = (),
        environ: Mapping[str, str] | None = None,
    ) -> Self:
        """Make one of a declaration in YAML.

        Args:
            text: The YAML. `${NAME}` in it is read from the environment.
            key_store: As for the class.
            secret_keys: As for the class.
            environ: The environment; the process's own if it is left out.

        Raises:
            ConfigurationError: It is no YAML, a variable is not set, or the declaration is wrong.
        """
        return cls._of(from_text(text, cls.__name__), environ, key_store, secret_keys)

    @classmethod
    def from_file(
        cls,
        path: str | PathLike[str],
        *,
        key_store: KeyStore | None = None,
        secret_keys: Sequence[str] = (),
        environ: Mapping[str, str] | None = None,
    ) -> Self:
        """Make one of a file of YAML, as `from_yaml` does.

        Raises:
            ConfigurationError: As there; or the file cannot be read.
        """
        data = from_file(path, cls.__name__)
        try:
            return cls._of(data, environ, key_store, secret_keys)
        except ConfigurationError as error:
            raise ConfigurationError(f"{Path(path).name}: {error}") from None

    @classmethod
    def _of(
        cls, data: Any, environ: Mapping[str, str] | None, key_store: KeyStore | None, secret_keys: Sequence[str]
    ) -> Self:
        problems = Problems()
        declaration = with_environment(data, os.environ if environ is None else environ, problems)
        problems.raise_any(cls.__name__)
        return cls(declaration, key_store=key_store, secret_keys=secret_keys)

    def create_contact(self, contact: dict[str, Any]) -> Result:
        create = self._declared.create
        if create is None:
            return self._refused("create")

        def work() -> Result:
            values = {"contact": self._shape.outgoing(contact, new=True)}
            answer = self._caller.send(create.endpoint, values, "new")
            if create.endpoint.item is None:
                return self._created(answer, create)
            record = self._caller.record(answer, create.endpoint, create.endpoint.item)
            return Result.ok(self._shape.id_of(record), contact=record)

        return _ended(work)

    def get_contact(self, id: str) -> Result:
        def work() -> Result:
            if not self._shape.knows(id):
                return Result.failed(NOT_FOUND)
            return Result.ok(id, contact=self._read(id)[1])

        return _ended(work)

    def get_contact_by_email(self, email: str) -> Result:
        return self._find(self._shape.email, email)

    def find_contact(self, field: str, value: str) -> Result:
        if field in self._declared.find.fields:
            return self._find(field, value)
        if "find_contact" in self.lacks:
            return to_result(super().find_contact(field, value), "find_contact")
        return Result.failed(
            f"find: the declaration names no look-up by the field {field!r}; add it to find.fields if the API has one"
        )

    def list_contacts(self, page: int = 1, limit: int = PAGE_SIZE) -> Result:
        """Read one page. Where pages have no numbers, those before are read as well: a walk takes `iter_contacts`."""
        if page < 1 or limit < 1:
            return Result.failed(f"a page has a number from 1 and holds a record at least, not {page} and {limit}")
        return _ended(lambda: Result.ok(contacts=self._numbered(page, limit)))

    def iter_contacts(self, page_size: int = PAGE_SIZE) -> Iterator[Result]:
        if page_size < 1:
            yield Result.failed(f"a page holds a record at least, not {page_size}")
            return
        try:
            for page in self._pages(page_size, self._caller.patient_page):
                yield Result.ok(contacts=self._caller.contacts(page.records, self._declared.list))
        except Ended as end:
            yield end.result

    def update_contact(self, contact: dict[str, Any]) -> Result:
        update = self._declared.update
        if update is None:
            return self._refused("update")

        def work() -> Result:
            id = self._shape.id_of(contact)
            if id is None and at(contact, self._shape.id) != "":
                return Result.failed(f"the contact has no id in its field {'.'.join(self._shape.id)!r}")
            if id is None or not self._shape.knows(id):
                return Result.failed(NOT_FOUND)
            fields = self._fields_of(update, id, contact)
            answer = self._caller.send(update.endpoint, {"id": id, "contact": fields}, "record")
            if update.endpoint.item is None or answer.is_empty:
                return Result.ok(id)
            return Result.ok(id, contact=self._caller.record(answer, update.endpoint, update.endpoint.item, id))

        return _ended(work)

    def delete_contact(self, id: str) -> Result:
        delete = self._declared.delete
        return self._refused("delete") if delete is None else self._put_away(delete, id)

    def archive_contact(self, id: str) -> Result:
        archive = self._declared.archive
        if archive is None:
            return to_result(super().archive_contact(id), "archive_contact")
        return self._put_away(archive, id)

    def create_contacts(self, contacts: list[dict[str, Any]]) -> ManyResults:
        batch = self._declared.create_many
        if batch is None or not contacts:
            return super().create_contacts(contacts)
        try:
            outgoing = [Outgoing(each, self._shape.outgoing(each, new=True)) for each in contacts]
        except Unwritable:
            return super().create_contacts(contacts)  # one by one, so that this one stops no other
        return send_many(self._caller, batch, outgoing)

    def update_contacts(self, contacts: list[dict[str, Any]]) -> ManyResults:
        batch = self._declared.update_many
        if batch is None or not contacts:
            return super().update_contacts(contacts)
        try:
            outgoing = [Outgoing(each, self._shape.outgoing(each), self._shape.id_of(each)) for each in contacts]
        except Unwritable:
            return super().update_contacts(contacts)
        if not all(self._shape.knows(each.id) for each in outgoing):
            return super().update_contacts(contacts)
        try:
            return send_many(self._caller, batch, outgoing)
        except (UnexpectedAnswer, UnreadableAnswer) as error:
            return Result.failed(str(error))  # perhaps it was done, but it may be done again, one by one

    def list_changed(self, cursor: str | None = None) -> Iterator[Changes | ResultLike]:
        changed = self._declared.changed
        if changed is None:
            yield from super().list_changed(cursor)
            return
        try:
            yield from tell(self._caller, changed, cursor)
        except Ended as end:
            yield end.result

    def list_fields(self) -> Sequence[CRMField]:
        fields = self._declared.fields
        if not isinstance(fields, FieldsFrom):
            return fields or ()
        try:
            return name_fields(self._caller, fields)
        except Ended as end:
            raise ContactSyncError(end.result.error) from None

    def close(self) -> None:
        self._caller.close()

    def _read(self, id: str) -> tuple[Any, dict[str, Any]]:
        """The record of an id as the API gives it, and the contact that it is.

        Raises:
            Ended: There is none.
        """
        endpoint = self._declared.read
        path = endpoint.item or ()
        answer = self._caller.send(endpoint, {"id": id}, "record")
        record = answer.at(path)
        if self._shape.is_gone(record):
            raise Ended(Result.failed(NOT_FOUND))
        return record, self._caller.record(answer, endpoint, path, id)

    def _find(self, field: str, value: str) -> Result:
        if value == "":
            return Result.failed(NOT_FOUND)
        return _ended(lambda: look(self._caller, field, value))

    def _pages(self, size: int, page: Callable[[Endpoint, Paging, Ask, Values], Page]) -> Iterator[Page]:
        lists, paging = self._declared.list, self._declared.paging
        return walk(paging, lambda ask: page(lists, paging, ask, {}), size)

    def _numbered(self, page: int, limit: int) -> list[dict[str, Any]]:
        lists, paging = self._declared.list, self._declared.paging
        if paging.is_direct and not self._shape.gone and paging.sized(limit) == limit:
            asked = self._caller.page(lists, paging, paging.ask(limit, page), {})
            if len(asked.records) > limit:
                raise UnexpectedAnswer(
                    lists, "the API gives more records than it is asked for; see paging.size, or write size: null"
                )
            return self._caller.contacts(asked.records, lists)
        pages = (self._caller.contacts(each.records, lists) for each in self._pages(limit, self._caller.page))
        return list(islice(chain.from_iterable(pages), (page - 1) * limit, page * limit))

    def _fields_of(self, update: OfOne, id: str, contact: Mapping[str, Any]) -> Mapping[str, Any]:
        """What is sent in an update; the record is read before, where that is declared."""
        fields = self._shape.outgoing(contact)
        if not (update.read_first or update.whole):
            return fields
        record, _ = self._read(id)
        return _merged(self._shape.untouched(record), fields) if update.whole else fields

    def _put_away(self, way: OfOne, id: str) -> Result:
        def work() -> Result:
            if not self._shape.knows(id):
                return Result.failed(NOT_FOUND)
            if way.read_first:
                self._read(id)
            self._caller.send(way.endpoint, {"id": id}, "record")
            return Result.ok(id)

        return _ended(work)

    def _created(self, answer: Answer, create: Create) -> Result:
        id = id_at(answer, create.id)
        if id is None:
            raise UnexpectedAnswer(create.endpoint, "the answer holds no id; see create.id")
        return Result.ok(id)

    def _refused(self, what: str) -> Result:
        return Result.failed(f"{type(self).__name__}: its declaration says {what}: false", reason=READ_ONLY)


def _ended(work: Callable[[], Result]) -> Result:
    """What becomes of some calls. What else they raise is left to whoever calls the consumer."""
    try:
        return work()
    except Ended as end:
        return end.result


def _lacking(declared: Declaration) -> frozenset[Ability]:
    """The optional methods that a declaration gives nothing for."""
    has: dict[Ability, bool] = {
        "archive_contact": declared.archive is not None,
        "create_contacts": declared.create_many is not None,
        "update_contacts": declared.update_many is not None,
        "find_contact": declared.find.fields != (declared.shape.email,),
        "list_changed": declared.changed is not None,
        "list_fields": declared.fields is not None,
    }
    return frozenset(ability for ability, there in has.items() if not there)


def _merged(record: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """A record with changes in it. An object is changed field by field."""
    merged = dict(record)
    for name, value in changes.items():
        before = merged.get(name)
        both = isinstance(before, Mapping) and isinstance(value, Mapping)
        merged[name] = _merged(before, value) if both else value  # type: ignore[arg-type] # both are mappings
    return merged

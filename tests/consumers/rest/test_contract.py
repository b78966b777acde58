"""Declarations of APIs that have little in common are proven by the suite, each against such an API."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from contact_sync.consumers.rest import RestConsumer
from contact_sync.testing import ConsumerContract
from contact_sync.testing.sandbox import LoopbackServer

from .crm_apis import CrmApi, EnvelopedApi, PlainApi, ProcedureApi

PLAIN = """
base_url: ${CRM}
auth: {type: bearer, token: secret-token}
paging: {type: page}
"""

ENVELOPED = """
base_url: ${CRM}
path: /people
record:
  item: data
  list: data
  fields: attributes
  wrap: {data: {type: person, attributes: "{contact}"}}
  clear: ""
  dates: {born_on: "%d/%m/%Y"}
  read_only: [number_of_visits]
  unique: [email]
update: {verb: PUT, whole: true}
find:
  path: /people/search
  query: {filter: "{field} eq {value:json}"}
  fields: [email, first_name]
paging: {type: cursor, cursor: "page[after]", next: meta.after, size: "page[size]", max_size: 50}
errors:
  not_found: {body: {errors.*.code: not_found}}
  exists: {body: {errors.*.code: taken}, id: errors.0.meta.id}
  success: {body: {errors: {present: false}}}
  code: errors.0.code
"""

PROCEDURES = """
base_url: ${CRM}/rpc
record:
  item: row
  list: rows
  gone: {state: archived}
  omits_empty: true
read: {verb: POST, path: /get, body: {uid: "{id}"}}
create: {path: /create, body: {values: "{contact}"}, id: result.uid}
update: {verb: POST, path: /update, body: {uid: "{id}", values: "{contact}"}, read_first: true}
delete: {verb: POST, path: /delete, body: {uid: "{id}"}, read_first: true}
archive: {path: /archive, body: {uid: "{id}"}, read_first: true}
list: {verb: POST, path: /list, body: {}}
find: {body: {where: {"{field}": "{value}"}}, fields: [email, first_name]}
create_many: {path: /create_many, body: {all: "{contacts}"}, size: 20, results: results, status: code, id: uid}
paging: {type: offset, offset: skip, size: take, max_size: 50, in: body}
errors:
  not_found: {status: 403, body: {why: secret}}
  success: {body: {why: {present: false}}}
"""

QUICK = "timeouts: {connect: 1, read: 1, total: 3}\n"


@pytest.fixture(scope="class")
def url(request: pytest.FixtureRequest) -> Iterator[str]:
    """Where the API runs."""
    with LoopbackServer(request.cls.api()) as server:
        yield server.url


@pytest.fixture(scope="class")
def crm(request: pytest.FixtureRequest, url: str) -> Iterator[RestConsumer]:
    """The consumer of a running API."""
    crm = RestConsumer.from_yaml(request.cls.declaration, environ={"CRM": url})
    yield crm
    crm.close()


class _Declared(ConsumerContract):
    """Everything that is expected of a consumer."""

    text_field = "first_name"
    edits = 6  # what declarations can say is proven here; `TestPlainApi` has the stories whole
    declaration = ""
    api: type[CrmApi]

    @pytest.fixture
    def consumer(self, crm: RestConsumer) -> RestConsumer:
        return crm

    @pytest.fixture
    def crm_url(self, url: str) -> str:
        return url

    def consumer_at(self, url: str) -> RestConsumer:
        return RestConsumer.from_yaml(self.declaration + QUICK, environ={"CRM": url})


class TestPlainApi(_Declared):
    """An API as they mostly are needs next to no declaration."""

    api = PlainApi
    edits = 12
    declaration = PLAIN


@pytest.mark.no_cover  # covered by those above
class TestEnvelopedApi(_Declared):
    """Envelopes, a cursor in the body, whole updates, errors in a 200, a loose search, dates, and blank fields."""

    api = EnvelopedApi
    declaration = ENVELOPED
    missing_id = "123456789"

    def new_contact(self, n: int) -> dict[str, Any]:
        return {"first_name": f"Contact {n}", "born_on": "1990-02-09"}


@pytest.mark.no_cover  # covered by those above
class TestProcedureApi(_Declared):
    """Procedures instead of resources, offsets in the body, silence about what is missing, archives and batches."""

    api = ProcedureApi
    declaration = PROCEDURES


del _Declared  # it is no suite of its own

"""Wrong declarations, each with what is said about it: where, what is expected, and what to write."""

from __future__ import annotations

from typing import Any

import pytest

from contact_sync.consumers.rest import RestConsumer
from contact_sync.errors import ConfigurationError
from key_stores import MemoryKeyStore

from .script import Script

URL = "https://api.example.com"
PAGING_TYPES = 'Use "page", "offset", "cursor", "next_link", "header_link" or "none"'
STANDS_NOWHERE = "stands nowhere in it. Write it into path, query or body, where the API takes it"
NEITHER = "changed.position: expected either position or next, by which the next time goes on"
FOR_WRITING = "it is for writing, and would change or delete what is to be read. Use GET or POST"
OF_THE_MOMENT = "401, 407, 408, 425, 429 and 5xx are about the key or the moment, and say nothing of a record. Leave "
EVERY_SUCCESS = "every success has such a status. Add what the body holds then: {status: 200, body: {…}}"
MATCH = "expected a value, a list of values, {present: true}, {present: false} or {starts: …}"

WRONG: dict[str, str] = {
    # Keys and kinds
    "pagin: {}": 'pagin: unknown key. Did you mean "paging"?',
    "colour: red": (
        "colour: unknown key. There are base_url, auth, headers, timeouts, path, record, create, read, update, delete, "
        "list, find, archive, create_many, update_many, changed, fields, paging, errors, rate"
    ),
    "on: 1": "the declaration: a key is a boolean. In YAML, put it in quotes: on, off, yes, no and numbers are no text",
    "'a secret in the wrong place': 1": "a key: unknown key. There are base_url, auth",
    "record: []": "record: expected an object of keys and values, got a list",
    "headers: {X: 5}": "headers.X: expected text, got a number. Put it in quotes",
    "headers: {'X Y': z}": "headers: it is no name of a header; write one such as X-Api-Key, without ':'",
    'headers: {X: "a\\nb"}': "headers.X: it has a line break in it",
    "read: {path: '/c/{id}', headers: {X: é}}": "read.headers.X: it has a line break in it, a space at an end, or a",
    "headers: X": "headers: expected an object of names and texts, got text",
    "timeouts: {read: 0}": "timeouts.read: expected a number of seconds, 3600 at the most, got another number",
    "timeouts: {read: '5'}": (
        "timeouts.read: expected a number of seconds, 3600 at the most, got text. Write it without quotes"
    ),
    "path: contacts": "path: a path begins with one '/' and is added to base_url. Write one such as /contacts/{id}",
    "path: '/a/{id}'": "path: {id}: no placeholder can stand here. Write the text itself",
    "auth: secret": "auth: expected an object with a type, such as {type: bearer, token: …}, got text",
    "auth: {type: baerer}": 'auth.type: there is no such type. Did you mean "bearer"?',
    "auth: {type: bearer, tokn: x}": 'auth.tokn: unknown key. Did you mean "token"?',
    # Records
    "record: {idd: x}": 'record.idd: unknown key. Did you mean "id"?',
    "record: {id: ''}": "record.id: it is empty. Write the path of the id in a record, or leave it out",
    "record: {id: a..b}": (
        'record.id: it is no path: it has an empty step. Write one dot between two names, and "\\." for a dot within a '
        "name"
    ),
    "record: {item: 5}": "record.item: expected a path such as data.items, got a number",
    "record: {id_pattern: '['}": "record.id_pattern: it is no regular expression: unterminated character set",
    "record: {wrap: {data: x}}": (
        "record.wrap: it does not hold {contact}, so nothing would be sent. Write it where it goes"
    ),
    "record: {wrap: {data: 'x {contact}'}}": (
        "record.wrap.data: {contact} stands for an object, so it has to be the whole text"
    ),
    "record: {wrap: {data: '{contacts}'}}": (
        "record.wrap.data: {contacts}: no such placeholder here. Did you mean {contact}? Use {contact} or {id}"
    ),
    "record: {wrap: {data: '{contact:json}'}}": "record.wrap.data: {contact:…}: it cannot be quoted",
    "record: {wrap: {data: '{contact}', day: 2024-01-01}}": (
        "record.wrap.day: it is a date, which JSON cannot hold. Write it as text, in quotes"
    ),
    "record: {gone: true}": (
        "record.gone: expected an object of paths and values, such as {error.code: gone}, got a boolean"
    ),
    "record: {gone: {deleted: {is: 1}}}": f"record.gone.deleted: {MATCH}",
    "record: {gone: {5: 1}}": "record.gone: expected a path, got another number. In YAML, put it in quotes",
    "record: {clear: empty}": 'record.clear: expected null, "" or cannot',
    "record: {dates: [born]}": "record.dates: expected an object of fields and forms, got a list",
    "record: {dates: {born: '%d/%m'}}": 'record.dates.born: the format "%d/%m" has no year. Add %Y',
    "record: {dates: {born: epoch}}": 'record.dates.born: "epoch" is not known. Did you mean "epoch_s"?',
    "record: {dates: {born: 5}}": "record.dates.born: expected text, got a number",
    "record: {read_only: 5}": "record.read_only: expected a list of names, got a number",
    "record: {read_only: [a..b]}": "record.read_only: it is no path",
    "record: {partial_updates: 'no'}": (
        "record.partial_updates: expected true or false, got text. Write it without quotes"
    ),
    # Endpoints
    "create: POST": "create: expected a verb and a path, such as POST /people, or an object",
    "create: [POST, /people]": "create: expected a verb and a path, such as POST /people, or an object, got a list",
    "create: true": "create: it is true. Leave it out for the usual one, or write a verb and a path",
    "create: SEND /people": "create.verb: no such verb. Use GET, POST, PUT, PATCH, DELETE",
    "create: POST //evil.example.com/x": "create.path: a path begins with one '/' and is added to base_url",
    "create: POST /a/../b": "create.path: '.' and '..' lead to other paths. Write the path itself",
    "create: POST /a?b=1": "create.path: a path has no '?', '#', backslash or space. Parameters go into query",
    "create: {path: '/a/{id}'}": "create.path: {id}: no placeholder can stand here. Write the text itself",
    "create: {body: {x: 1}}": f"create: {{contact}} {STANDS_NOWHERE}",
    "create: {body: 5}": "create.body: expected an object, got a number",
    "create: {item: false}": "create.id: it is missing. Write where the answer holds the new id, as it holds no record",
    "create: {query: [a]}": "create.query: expected an object of parameters, got a list",
    "create: {query: {a: [b]}}": "create.query.a: expected text, got a list",
    "read: false": "read: it is false. It cannot be done without. Write a verb and a path, such as GET /people",
    "read: GET /contacts/one": f"read: {{id}} {STANDS_NOWHERE}",
    "read: 'GET /contacts/{id:url}'": "read.path: what stands in a path is quoted whole in any case. Write {id}",
    "read: 'GET /contacts/{ids}'": "read.path: {ids}: no such placeholder here. Did you mean {id}? Use {id}",
    "update: {read_frist: true}": 'update.read_frist: unknown key. Did you mean "read_first"?',
    "archive: {}": "archive.path: it is missing. Write where below base_url it is, such as /contacts/{id}/archive",
    "list: DELETE /contacts": f"list.verb: {FOR_WRITING}",
    "read: {verb: DELETE}": f"read.verb: {FOR_WRITING}",
    "read: {verb: PATCH}": f"read.verb: {FOR_WRITING}",
    "find: {verb: PUT}": f"find.verb: {FOR_WRITING}",
    "changed: {verb: DELETE, query: {since: '{since}'}, position: p}": f"changed.verb: {FOR_WRITING}",
    "fields: DELETE /fields": f"fields.verb: {FOR_WRITING}",
    "create: GET /contacts": "create.verb: no contact can be sent with it. Use POST, PUT, PATCH",
    "update: {verb: DELETE}": "update.verb: no contact can be sent with it",
    "create_many: {verb: DELETE, path: /b, size: 9}": "create_many.verb: no contact can be sent with it",
    # Looking
    "find: {query: {q: x}}": f"find: {{value}} {STANDS_NOWHERE}",
    "find: {query: {q: 'email:{value}'}}": (
        "find.query.q: {value} stands within a text, in which a hostile value could say something else. Say how it is "
        "quoted there: {value:json}, {value:sql}, {value:backslash}, {value:url}"
    ),
    "find: {query: {q: '{value:jsn}'}}": 'find.query.q: {value:…}: no such quoting. Did you mean "json"?',
    "find: {query: {q: '{value}'}, fields: [email, phone]}": (
        "find.fields: there are several, so {field} has to stand in find.query, for the one looked by"
    ),
    "find: {fields: [a..b]}": "find.fields: it is no path: it has an empty step",
    "find: {fields: []}": "find.fields: an empty list is no look-up. Name a field, or leave it out",
    "find: {compare: loose}": 'find.compare: no such word. Use "ignore_case", "exact" or "trust"',
    "find: {paging: pages}": f'find.paging.type: no such word. Did you mean "page"? {PAGING_TYPES}',
    # Batches
    "create_many: POST /batch": "create_many.size: it is missing. Write how many contacts the API takes with one call",
    "create_many: {path: /b, size: 1}": "create_many.size: expected a whole number from 2, got another number",
    "create_many: {path: /b, size: 9, body: {all: 1}}": f"create_many: {{contacts}} {STANDS_NOWHERE}",
    "create_many: {path: /b, size: 9, each: {x: 1}}": (
        "create_many.each: it does not hold {contact}, so nothing would be sent. Write it where it goes"
    ),
    "create_many: {path: /b, size: 9, item: false}": (
        "create_many.id: it is missing. Write where a result holds the new id, as it holds no record"
    ),
    "create: false\ncreate_many: {path: /b, size: 9}": "create_many: it cannot go with create: false. Leave it out",
    "update_many: {path: /b, size: 9, each: {x: '{contact}'}}": (
        "update_many.each: it does not hold {id}, so the API could not tell which record is meant"
    ),
    "update: {whole: true}\nupdate_many: {path: /b, size: 9}": (
        "update_many: it cannot go with update: false, read_first or whole, since it reads nothing before. Leave it out"
    ),
    # Changes and fields
    "changed: {position: p}": f"changed: {{since}} {STANDS_NOWHERE}",
    "changed: {path: '/since/{since}', position: p}": (
        "changed.path: {since} cannot stand there, as there is none the first time. Write it into query or body"
    ),
    "changed: {query: {since: '{since}'}}": NEITHER,
    "changed: {query: {since: '{since}'}, position: p, next: n}": NEITHER,
    "changed: {query: {q: 'x > {since}'}, position: p}": "changed.query.q: {since} stands within a text",
    "changed: {query: {since: '{since}'}, position: p, format: unix}": 'changed.format: "unix" is not known',
    "changed: {query: {since: '{since}'}, position: p, format: number, overlap: 5}": (
        "changed.overlap: a number has none: what is changed later has a larger one. Leave it out"
    ),
    "fields: email": "fields: expected a list of fields, or the endpoint that names them, got text",
    "fields: [{type: text}]": "fields.0.name: it is missing. Write the field's name as a mapping does",
    "fields: {path: /f, prefix: 5}": "fields.prefix: expected text, got a number",
    # Paging
    "paging: 5": "paging: expected an object of keys and values, got a number",
    "paging: {type: pages}": f'paging.type: no such word. Did you mean "page"? {PAGING_TYPES}',
    "paging: {type: 5}": 'paging.type: expected "page", "offset"',
    "paging: {type: cursor}": "paging.next: it is missing. Write the path of the next page's cursor in the answer",
    "paging: next_link": "paging.next: it is missing. Write the path of the next page's link in the answer",
    "paging: {type: offset, first: 1}": (
        "paging.first: unknown key. There are type, offset, size, max_size, in, more, past_end"
    ),
    "paging: {max_size: '5'}": "paging.max_size: expected a whole number from 1, got text. Write it without quotes",
    "paging: {in: body}\nlist: {verb: POST, body: [1]}\nfind: {body: {}}": (
        "list.body: expected an object, since paging.in puts parameters into it"
    ),
    "paging: {size: 5}": "paging.size: expected text, got a number. Put it in quotes",
    # Rules and rates
    "errors: {notfound: 404}": 'errors.notfound: unknown key. Did you mean "not_found"?',
    "errors: {not_found: '404'}": "got text. Write it without quotes",
    "errors: {not_found: 40}": "errors.not_found: expected a status such as 404, an object with status or body",
    "errors: {not_found: []}": (
        "errors.not_found: an empty list is no rule. Write a status, such as 404, or leave it out"
    ),
    "errors: {not_found: {}}": (
        "errors.not_found.status: it is missing, as is body. Write at least one of them, or it would fit any answer"
    ),
    "errors: {not_found: {status: ['404']}}": (
        "errors.not_found.status: expected a status from 100 to 599, or a list of some, got a list"
    ),
    "errors: {not_found: [404, {statuz: 404}]}": 'errors.not_found.1.statuz: unknown key. Did you mean "status"?',
    "errors: {exists: {body: {code: [{}]}}}": "errors.exists.body.code: expected a value, or a list of values",
    "errors: {not_found: 401}": f"errors.not_found: {OF_THE_MOMENT}",
    "errors: {not_found: [404, 503]}": f"errors.not_found: {OF_THE_MOMENT}",
    "errors: {not_found: {status: [404, 429]}}": f"errors.not_found: {OF_THE_MOMENT}",
    "errors: {not_found: 200}": f"errors.not_found: {EVERY_SUCCESS}",
    "errors: {exists: 500}": f"errors.exists: {OF_THE_MOMENT}",
    "errors: {exists: [409, {status: 201}]}": f"errors.exists: {EVERY_SUCCESS}",
    "errors: {success: 404}": "errors.success: a success has a status from 200 to 299. Leave others out",
    "errors: {success: {status: [200, 409], body: {ok: true}}}": "errors.success: a success has a status from 200",
    "create_many: {path: /b, size: 9, success: 409}": "create_many.success: a success has a status from 200 to 299",
    "paging: {past_end: 200}": f"paging.past_end: {EVERY_SUCCESS}",
    "paging: {past_end: 500}": f"paging.past_end: {OF_THE_MOMENT}",
    "changed: {query: {since: '{since}'}, next: n, expired: 401}": f"changed.expired: {OF_THE_MOMENT}",
    "rate: {per: 5}": "rate.calls: it is missing. Write how many calls the API takes in that time",
    "rate: {calls: 5, per: 0}": "rate.per: expected a number of seconds above 0",
    "rate: {remaining: X-Left}": "rate.reset: it is missing. remaining is of use only together with it",
    "rate: {remaining: a, reset: b, reset_as: minutes}": (
        'rate.reset_as: no such word. Use "seconds", "epoch_s" or "epoch_ms"'
    ),
}


def refused(make: Any, *arguments: Any, **named: Any) -> str:
    with pytest.raises(ConfigurationError) as caught:
        make(*arguments, **named)
    return str(caught.value)


@pytest.mark.parametrize("declared", WRONG)
def test_what_is_wrong_is_said_alone_with_its_place_and_a_remedy(declared: str) -> None:
    message = refused(RestConsumer.from_yaml, f"base_url: {URL}\n{declared}", environ={})
    assert WRONG[declared] in message
    assert message.startswith("RestConsumer: ")
    assert "\n" not in message, "one thing is wrong, so one thing is said"


@pytest.mark.parametrize(
    ("declared", "message"),
    [
        ({}, "base_url: it is missing. Write where the API is, such as https://api.example.com/v3"),
        ({"base_url": "api.example.com"}, "base_url: expected an http:// or https:// URL with a host"),
        ({"base_url": "https://me:secret@api.example.com"}, "without a name or password; they belong into auth"),
        ({"base_url": 5}, "base_url: expected an http:// or https:// URL, got int"),
        ([], "the declaration: expected an object of keys and values, got a list"),
    ],
)
def test_without_an_address_there_is_no_api(declared: Any, message: str) -> None:
    said = refused(RestConsumer, declared)
    assert message in said
    assert "secret" not in said


@pytest.mark.parametrize(
    "declared",
    [
        "errors: {not_found: [404, 403, {status: [200, 500], body: {code: none}}]}",
        "errors: {exists: [{status: 200, id: of}, {status: 500, body: {code: dup}}, 422]}",
        "errors: {success: [201, {body: {ok: true}}]}\npaging: {past_end: [400, 404]}",
        "delete: GET /delete/{id}\narchive: DELETE /contacts/{id}\nlist: POST /list",
    ],
)
def test_what_is_unusual_is_taken(api: Script, declared: str) -> None:
    assert api.consumer(declared).lacks


def test_everything_that_is_wrong_is_said_at_once() -> None:
    said = refused(RestConsumer, {"base_url": URL, "pagin": 1, "record": {"id": 5}, "create": {"item": False}})
    assert said.splitlines() == [
        "RestConsumer: 3 things are wrong in the declaration:",
        '  pagin: unknown key. Did you mean "paging"?',
        "  record.id: expected a path such as data.items, got a number",
        "  create.id: it is missing. Write where the answer holds the new id, as it holds no record",
    ]


def test_no_message_repeats_a_value() -> None:
    """It may be a secret, in the wrong place."""
    secret = "s3cr3t-v4lue"
    everywhere = {
        "auth": {"type": secret},
        "path": secret,
        "record": {"id_pattern": f"[{secret}", "clear": secret, "wrap": {"x": secret}, "gone": secret},
        "create": secret,
        "update": {"verb": secret},
        "find": {"compare": secret, "query": secret},
        "paging": secret,
        "errors": {"not_found": secret, "exists": {"status": secret}},
        "rate": {"calls": secret, "reset_as": secret},
        "timeouts": secret,
        "create_many": {"path": secret, "size": secret},
    }
    said = refused(RestConsumer, {"base_url": secret, **everywhere})
    assert len(said.splitlines()) > 15
    assert secret not in said


def test_a_subclass_is_called_by_its_name() -> None:
    class AcmeConsumer(RestConsumer):
        pass

    assert refused(AcmeConsumer, {"base_url": URL, "rat": 1}).startswith(
        'AcmeConsumer: rat: unknown key. Did you mean "rate"?'
    )


def test_a_key_store_has_to_be_one(api: Script) -> None:
    declared = {"base_url": api.url}
    assert "key_store: expected a KeyStore, got str" in refused(RestConsumer, declared, key_store="memory://")
    assert "secret_keys" in refused(RestConsumer, declared, key_store=MemoryKeyStore(), secret_keys="short")

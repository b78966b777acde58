"""Three CRMs over HTTP that have little in common but what they keep, for declarations to be proven against."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import unquote

from werkzeug import Request, Response

from contact_sync.testing.crm import Answer, Quirks
from contact_sync.testing.crm.server import Crm

Environ = Any

DAY: Final = "%d/%m/%Y"


class CrmApi:
    """A WSGI app over a CRM in memory. A subclass says what goes over the wire."""

    quirks = Quirks(returns_record=True)

    def __init__(self) -> None:
        self.crm = Crm(self.quirks, "id", "email", ("phone",), threading.RLock())

    def __call__(self, environ: Environ, start: Any) -> Any:
        request = Request(environ)
        raw = environ["REQUEST_URI"].partition("?")[0]  # the path before its %2F became slashes
        steps = [unquote(step) for step in raw.split("/")[1:]]
        return self.answer(request, steps)(environ, start)

    def answer(self, request: Request, steps: list[str]) -> Response:
        raise NotImplementedError


class PlainApi(CrmApi):
    """What an API mostly looks like."""

    def answer(self, request: Request, steps: list[str]) -> Response:
        match request.method, steps:
            case "GET", ["contacts"] if "email" in request.args:
                return said(200, json.loads(self.crm.search("email", request.args["email"]).body)["contacts"])
            case "GET", ["contacts"]:
                found = self.crm.numbered(request.args.get("page", 1, int), request.args.get("limit", 30, int))
                return said(200, found.json()["contacts"])
            case "POST", ["contacts"]:
                return self.one(self.crm.create(request.json))
            case "GET", ["contacts", id]:
                return self.one(self.crm.read(id))
            case "PATCH", ["contacts", id]:
                return self.one(self.crm.update(id, request.json))
            case "DELETE", ["contacts", id]:
                return self.one(self.crm.remove(id))
        return said(404, {"error": "no such page"})

    def one(self, found: Answer | None) -> Response:
        if found is None:
            return said(404, {"error": "no such contact"})
        return said(found.status, found.json()["contact"]) if found.body else Response(status=found.status)


class EnvelopedApi(CrmApi):
    """Records in envelopes, with their fields one level below the id; PUT blanks what is not sent; every answer is a
    200; a search gives what contains the value; dates are written as people do, and fields are blank, never null.
    """

    quirks = Quirks(
        ids="number",
        returns_record=True,
        replaces=True,
        update_missing="creates",
        clears="empty",
        unique_emails="with_id",
    )

    def answer(self, request: Request, steps: list[str]) -> Response:
        match request.method, steps:
            case "GET", ["people", "search"]:
                field, value = request.args["filter"].split(" eq ", 1)
                everything = self.crm.slice(0, 10_000).json()["contacts"]
                part = json.loads(value).lower()
                return self.many([one for one in everything if part in str(one.get(field, "")).lower()], None)
            case "GET", ["people"]:
                page = self.crm.after(request.args.get("page[after]"), request.args.get("page[size]", 30, int)).json()
                return self.many(page["contacts"], page["next"])
            case "POST", ["people"]:
                return self.one(self.crm.create(self.fields(request)))
            case "GET", ["people", id]:
                return self.one(self.crm.read(id))
            case "PUT", ["people", id]:
                return self.one(self.crm.update(id, self.fields(request)))
            case "DELETE", ["people", id]:
                return self.one(self.crm.remove(id))
        return said(404, {"errors": [{"code": "no_route"}]})

    def fields(self, request: Request) -> dict[str, Any]:
        assert request.json["data"]["type"] == "person"
        fields: dict[str, Any] = request.json["data"]["attributes"]
        assert not {"id", "number_of_visits"} & fields.keys(), "these cannot be written"
        assert None not in fields.values(), "blank is written as blank text"
        return fields

    def wire(self, contact: Mapping[str, Any]) -> dict[str, Any]:
        fields = {name: value for name, value in contact.items() if name != "id"}
        return {"type": "person", "id": contact["id"], "attributes": {**fields, "number_of_visits": 3}}

    def one(self, found: Answer | None) -> Response:
        if found is None:
            return said(200, {"errors": [{"code": "not_found"}]})
        body = found.json() if found.body else {}
        if found.status == 409:
            return said(200, {"errors": [{"code": "taken", "meta": {"id": body["id"]}}]})
        return said(200, {"data": self.wire(body["contact"]) if "contact" in body else None})

    def many(self, contacts: list[Any], cursor: str | None) -> Response:
        return said(200, {"data": [self.wire(one) for one in contacts], "meta": {"after": cursor}})


class ProcedureApi(CrmApi):
    """Everything is a POST; pages are asked for in the body, by offset; nothing is said about what is missing; a create
    answers with the id alone; what is archived is listed all the same; several records go at once.
    """

    quirks = Quirks(ids="uuid", update_missing="succeeds", delete_again="succeeds", clears="absent", archives=True)

    def answer(self, request: Request, steps: list[str]) -> Response:
        asked = request.json
        match steps:
            case ["rpc", "list"]:
                everything = [{**one, "state": "live"} for one in self.crm.slice(0, 100_000).json()["contacts"]]
                everything += [{**one, "state": "archived"} for one in self.crm.records(archived=True).values()]
                for name, value in asked.get("where", {}).items():
                    everything = [one for one in everything if one.get(name) == value]
                return said(200, {"rows": everything[asked["skip"] :][: min(asked["take"], 50)]})
            case ["rpc", "get"]:
                found = self.crm.read(asked["uid"])
                return said(403, {"why": "secret"}) if found is None else said(200, {"row": found.json()["contact"]})
            case ["rpc", "create"]:
                return said(200, {"result": {"uid": self.crm.create(asked["values"]).json()["id"]}})
            case ["rpc", "update"]:
                self.crm.update(asked["uid"], asked["values"])
                return Response(status=204)
            case ["rpc", "delete"]:
                self.crm.remove(asked["uid"])
                return said(200, {"done": True})
            case ["rpc", "archive"]:
                self.crm.remove(asked["uid"], archive=True)
                return said(200, {"done": True})
            case ["rpc", "create_many"]:
                made = [self.crm.create(values).json()["id"] for values in asked["all"]]
                return said(200, {"results": [{"code": 201, "uid": id} for id in made]})
        return said(404, {"why": "no such procedure"})


def said(status: int, body: object) -> Response:
    return Response(json.dumps(body), status, content_type="application/json")

"""Slack as its documents describe it, for what the emulated one has not: deactivated members, strangers, limits, …"""

from __future__ import annotations

import base64
import copy
import itertools
import json
import threading
from collections import deque
from collections.abc import Mapping
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl

TOKEN = "xoxb-documented"

NOW = 1_790_000_000


def member(id: str, **over: Any) -> dict[str, Any]:
    """A member as `users.list` gives it. `profile` adds to the profile."""
    profile = {
        "title": "",
        "phone": "",
        "skype": "",
        "real_name": f"Person {id}",
        "real_name_normalized": f"Person {id}",
        "display_name": id.lower(),
        "display_name_normalized": id.lower(),
        "fields": None,
        "status_text": "",
        "status_emoji": "",
        "status_expiration": 0,
        "avatar_hash": "0123456789ab",
        "first_name": "Person",
        "last_name": id,
        "email": f"{id.lower()}@example.org",
        "image_192": "https://example.org/picture.png",
        "team": "T012AB3C4",
    }
    whole = {
        "id": id,
        "team_id": "T012AB3C4",
        "name": id.lower(),
        "deleted": False,
        "color": "9f69e7",
        "real_name": f"Person {id}",
        "tz": "Europe/Madrid",
        "tz_label": "Central European Time",
        "tz_offset": 3600,
        "profile": profile | over.pop("profile", {}),
        "is_admin": False,
        "is_owner": False,
        "is_primary_owner": False,
        "is_restricted": False,
        "is_ultra_restricted": False,
        "is_bot": False,
        "is_app_user": False,
        "updated": NOW - 100_000,
        "is_email_confirmed": True,
    }
    return whole | over


class DocumentedSlack:
    """A workspace behind HTTP.

    Attributes:
        members: By their ids, in the order in which they are listed.
        fields: What `team.profile.get` tells of custom fields.
        values: The custom fields of each member, by id.
        now: Slack's time.
        next: Answers that come in place of the next ones: status, headers, body.
        calls: What was asked: the method and its arguments.
    """

    def __init__(self, *members: dict[str, Any]) -> None:
        self.members = {one["id"]: one for one in members}
        self.fields: Any = []
        self.values: dict[str, Any] = {}
        self.now = NOW
        self.next: deque[tuple[int, dict[str, str], Any]] = deque()
        self.calls: list[tuple[str, dict[str, str]]] = []
        self._numbers = itertools.count(1)
        self._server = _Server(("127.0.0.1", 0), _handler_of(self))
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})

    def __enter__(self) -> DocumentedSlack:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @property
    def url(self) -> str:
        """Of its Web API."""
        return f"http://127.0.0.1:{self._server.server_port}/api"

    def asked(self, method: str) -> list[dict[str, str]]:
        """With what a method was called."""
        return [arguments for name, arguments in self.calls if name == method]

    def edit(self, id: str, **profile: Any) -> None:
        """Change a member's profile, now."""
        self.members[id]["profile"] |= profile
        self.members[id]["updated"] = self.now

    # What people at Slack do, for the suite.

    def create(self, contact: Mapping[str, Any]) -> str:
        """Let somebody join."""
        one = member(f"U{next(self._numbers):09}", updated=self.now, profile=copy.deepcopy(contact["profile"]))
        self.members[one["id"]] = one
        return str(one["id"])

    def update(self, id: str, fields: Mapping[str, Any]) -> None:
        """Change a member's profile."""
        self.edit(id, **fields["profile"])

    def delete(self, id: str) -> None:
        """Deactivate a member."""
        self.members[id] |= {"deleted": True, "updated": self.now}

    def answer(self, method: str, token: str, arguments: dict[str, str]) -> tuple[int, dict[str, str], Any]:
        """Answer a call: status, headers, body."""
        self.calls.append((method, arguments))
        if self.next:
            return self.next.popleft()
        known = token == f"Bearer {TOKEN}"
        return 200, {}, self._said(method, arguments) if known else {"ok": False, "error": "invalid_auth"}

    def _said(self, method: str, arguments: dict[str, str]) -> dict[str, Any]:
        if method == "users.list":
            return self.list_page(int(arguments["limit"]), arguments.get("cursor", ""))
        if method == "users.info":
            return self._user("user_not_found", self.members.get(arguments["user"]))
        if method == "users.lookupByEmail":
            wanted = arguments["email"].lower()
            active = [one for one in self.members.values() if not one["deleted"]]
            found = [one for one in active if str(one["profile"].get("email")).lower() == wanted]
            return self._user("users_not_found", found[0] if found else None)
        if method == "team.profile.get":
            return {"ok": True, "profile": {"fields": self.fields}}
        if method == "users.profile.get" and arguments["user"] in self.members:
            profile = self.members[arguments["user"]]["profile"]
            return {"ok": True, "profile": profile | {"fields": self.values.get(arguments["user"], [])}}
        return {"ok": False, "error": "user_not_found"}

    def _user(self, missing: str, found: dict[str, Any] | None) -> dict[str, Any]:
        return {"ok": False, "error": missing} if found is None else {"ok": True, "user": found}

    def list_page(self, limit: int, cursor: str) -> dict[str, Any]:
        members = list(self.members.values())
        begin = 0
        if cursor:
            id = base64.b64decode(cursor).decode().removeprefix("user:")
            if id not in self.members:
                return {"ok": False, "error": "invalid_cursor"}
            begin = list(self.members).index(id)
        end = begin + limit
        following = base64.b64encode(f"user:{members[end]['id']}".encode()).decode() if end < len(members) else ""
        return {"ok": True, "members": members[begin:end], "response_metadata": {"next_cursor": following}}


class _Server(ThreadingHTTPServer):
    request_queue_size = 64  # several threads connect at once


def _handler_of(slack: DocumentedSlack) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1  # an answer goes out as one piece

        def do_POST(self) -> None:
            form = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
            arguments = dict(parse_qsl(form, keep_blank_values=True))
            method = self.path.removeprefix("/api/")
            status, headers, body = slack.answer(method, self.headers.get("Authorization", ""), arguments)
            text = (body if isinstance(body, str) else json.dumps(body)).encode()
            when = datetime.fromtimestamp(slack.now, UTC).strftime("%a, %d %b %Y %H:%M:%S GMT")
            self.send_response_only(status)
            for name, value in ({"Content-Type": "application/json", "Date": when} | headers).items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

    return Handler

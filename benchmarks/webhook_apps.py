"""`python -m benchmarks.webhook_apps bare|webhook`: serves one of the two on the default server, on a free port."""

from __future__ import annotations

import logging
import os
import sys
from typing import Any

from flask import Flask, Response, jsonify, request

from contact_sync import ContactSync, ExternalAPIConsumer, Result
from contact_sync.server import Server
from mappers import Mapping

TOKEN = "benchmark"
PAIRS = 1000
ROWS = [
    Mapping("id", "ref", id=True),
    Mapping("email", "email_address", match=True),
    Mapping("firstname", "first_name"),
    Mapping("lastname", "last_name"),
    Mapping("phone", "phone_number"),
]
CONTACT = {"firstname": "Ana", "lastname": "Lima", "phone": "+33 6 12 34 56 78"}


class NoOp(ExternalAPIConsumer):
    """A CRM that takes everything at once."""

    def create_contact(self, contact: dict[str, Any]) -> Result:
        del contact
        return Result.ok("1")

    def get_contact(self, id: str) -> Result:
        return Result.ok(contact={"ref": id})

    def get_contact_by_email(self, email: str) -> Result:
        del email
        return Result.failed("resource not found")

    def list_contacts(self, page: int = 1, limit: int = 30) -> Result:
        del page, limit
        return Result.ok(contacts=[])

    def update_contact(self, contact: dict[str, Any]) -> Result:
        del contact
        return Result.ok()

    def delete_contact(self, id: str) -> Result:
        del id
        return Result.ok()


def bare() -> Flask:
    """A Flask app that echoes JSON."""
    app = Flask(__name__)

    @app.post("/")
    def echo() -> Response:
        return jsonify(request.get_json())

    return app


def webhook() -> ContactSync:
    """The webhook on the store that the environment names, with a thousand pairs in it."""
    logging.getLogger("contact_sync").setLevel(logging.ERROR)
    sync = ContactSync(NoOp(), ROWS, os.environ["BENCHMARK_STORE"], auth=lambda token: token == TOKEN)
    who = sync.identities.of_method(TOKEN, None)
    assert not isinstance(who, Result)
    sync.abilities.batches.save_many(who[0], [(str(number), f"e{number}") for number in range(PAIRS)])
    return sync


def main() -> None:
    """Serve, and print the port when it does."""
    app = bare() if sys.argv[1] == "bare" else webhook().app
    server = Server(app, port=0, threads=8)
    server.run(started=lambda: print(server.address.rpartition(":")[2], flush=True))


if __name__ == "__main__":
    main()

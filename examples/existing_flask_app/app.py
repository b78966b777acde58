"""A company's Flask app, with the sync mounted on it."""

import hmac
import os

from flask import Flask, Response, abort, jsonify, request

from contact_sync import ContactSync, Event, EventName, Result
from contact_sync.testing import MemoryConsumer
from key_stores import open_key_store
from mappers import Mapper, Mapping

TOKENS = {"token-of-acme"}
CRM_SECRET = os.environ.get("CRM_SECRET", "for trying it out only")

contacts = Mapper(
    [
        Mapping("id", "id", id=True),
        Mapping("email", "email", match=True),
        Mapping("firstname", "first_name"),
    ]
)
crm = MemoryConsumer()  # in its place, your consumer
sync = ContactSync(crm, contacts, open_key_store("memory://"), auth=lambda token: token in TOKENS)
replies: list[str] = []


@sync.on_event(EventName.USER_REPLY)
def heard(event: Event) -> dict[str, int]:
    replies.append(event.data["text"])
    return {"replies": len(replies)}


@sync.on_action("discount")
def discount(event: Event) -> Result:
    return Result.ok(event.data["contact_id"], action="granted")


@sync.on_settings_page("/settings")
def settings(auth: object) -> str:
    return '<div class="field"><label>Team</label><input class="input" name="team"></div>'


@sync.on_update_settings("/settings")
def save(auth: object, fields: dict[str, str]) -> dict[str, object]:
    return {"success": True} if fields.get("team") else {"success": False, "errorFields": {"team": "Name a team."}}


def create_app() -> Flask:
    """The company's own app: the sync is one blueprint of it, beside its own routes."""
    app = Flask(__name__)
    app.register_blueprint(sync.blueprint, url_prefix="/botmatic")

    @app.get("/")
    def home() -> str:
        return "The shop"

    @app.post("/crm/changed")
    def crm_changed() -> Response:
        """The CRM's own notification: what changed there goes to the platform. Only the CRM knows the secret."""
        if not hmac.compare_digest(request.headers.get("X-CRM-Secret", "").encode(), CRM_SECRET.encode()):
            abort(401)
        result = sync.create_contact(request.get_json(), "token-of-acme")
        return jsonify(result.to_dict())

    return app

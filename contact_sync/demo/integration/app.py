"""The service: `contact-sync serve contact_sync.demo.integration.app:make_sync`.

Contacts of the platform come in by the library's own webhook. Changes in the CRM come in by a route next to it, to
which the CRM sends signed notices; it is asked for them when the integration is installed.

What the platform tells of is stored in an inbox before it is answered, and then applied by threads of this process: a
CRM that is down for a while costs nobody an edit.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
import math
import os
from collections.abc import Callable
from typing import Any, Final

from flask import abort, request

from contact_sync import ConflictReport, ContactSync, Event, Result
from contact_sync.delivery import Retries
from contact_sync.delivery.inbox import Inbox

from .consumer import CrmConsumer
from .fields import CONTACTS

log = logging.getLogger(__name__)

OWN_NAME: Final = "contact-sync"
"""By what name the CRM knows this integration's API key. What it writes itself comes back as a notice, too."""

RETRIES: Final = Retries(first=0.3, longest=2.0)
"""A demo's patience, so that nobody has to wait for it. Left out, a CRM that is down is asked ever more rarely."""


def make_sync() -> ContactSync:
    """Put the integration together, from settings in the environment."""
    settings = os.environ
    crm = CrmConsumer(settings["DEMO_CRM_URL"], settings["DEMO_CRM_KEY"])
    secret = settings["DEMO_SECRET_KEY"]
    own_url = settings["DEMO_OWN_URL"]
    inbox = Inbox(settings["DEMO_INBOX"], retries=RETRIES)
    sync = ContactSync(crm, CONTACTS, settings["DEMO_KEY_STORE"], delivery=inbox, secret_keys=[secret])

    @sync.on_install
    def ask_for_notices(_: Event) -> Result:
        crm.subscribe(f"{own_url}/crm", secret)
        return Result.ok(action="installed")

    @sync.on_uninstall
    def stop_notices(_: Event) -> Result:
        crm.unsubscribe()
        return Result.ok(action="uninstalled")

    @sync.on_action("import_contacts")
    def import_contacts(event: Event) -> dict[str, Any]:
        """Bring over everything that the CRM has. Safe to ask for again."""
        report = sync.import_all(event.auth.token)
        return {
            "success": report.success,
            "error": report.error,
            "created": report.created,
            "updated": report.updated,
            "unchanged": report.unchanged,
            "failed": [{"id": id, "error": error} for id, error in report.failed],
        }

    @sync.on_conflict
    def tell_of_conflict(report: ConflictReport) -> None:
        """Say which fields both sides had changed, and who won; their values are nobody's business here."""
        for field, winner in report.fields.items():
            log.warning("Conflict: %s of CRM contact %s, won by %s", field, report.external_id, winner)

    by_event: dict[str, Callable[[dict[str, Any], str], Result]] = {
        "contact.created": lambda contact, installation: sync.create_contact(contact, installation=installation),
        "contact.updated": lambda contact, installation: _updated(sync, contact, installation),
        "contact.deleted": lambda contact, installation: sync.delete_contact(contact["id"], installation=installation),
    }

    @sync.app.post("/crm")
    def receive_notice() -> tuple[dict[str, Any], int, dict[str, str]]:
        """Take a notice of the CRM to the platform."""
        expected = hmac.new(secret.encode(), request.get_data(), hashlib.sha256).hexdigest()
        if not hmac.compare_digest(expected.encode(), request.headers.get("X-CRM-Signature", "").encode()):
            abort(401)
        notice = request.get_json()
        if notice["by"] == OWN_NAME:
            return {"skipped": "this integration has written it itself"}, 200, {}
        apply = by_event[notice["event"]]
        results = [apply(notice["contact"], installation.id) for installation in sync.installations.all()]
        body = {"results": [result.to_dict() for result in results]}
        again = [result.retry_after or 0 for result in results if result.retryable]
        # The CRM sends a notice again that was answered with 503.
        return (body, 503, {"Retry-After": str(math.ceil(max(again)))}) if again else (body, 200, {})

    return sync


def _updated(sync: ContactSync, contact: dict[str, Any], installation: str) -> Result:
    """Update the partner. A contact that came into the CRM in silence, as by a bulk load, gets its partner now."""
    result = sync.update_contact(contact, installation=installation)
    return sync.create_contact(contact, installation=installation) if result.not_found else result

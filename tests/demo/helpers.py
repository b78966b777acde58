"""The example CRM as a real server, and what else several tests of the demo need."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import requests

from contact_sync.demo import crm
from contact_sync.demo.integration.app import OWN_NAME
from contact_sync.demo.integration.consumer import CrmConsumer
from contact_sync.testing.sandbox import LoopbackServer

OWN_KEY = "key-of-the-integration"
STAFF_KEY = "key-of-the-staff"
STAFF = {"Authorization": f"Bearer {STAFF_KEY}"}


@dataclass
class Crm:
    """The example CRM, running."""

    url: str
    records: crm.Records
    notices: crm.Notices
    calls: crm.Calls
    journal: crm.Journal
    outage: crm.Outage
    desk: CrmConsumer

    def call(self, method: str, path: str, **arguments: object) -> requests.Response:
        """Make a call as the staff does, unless other headers are given."""
        options = {"headers": STAFF, "timeout": 10} | arguments
        return requests.request(method, self.url + path, **options)  # type: ignore[arg-type]  # any of its arguments


@contextmanager
def running_crm() -> Iterator[Crm]:
    """Run an empty CRM."""
    records, notices, calls, journal, outage = crm.Records(), crm.Notices(), crm.Calls(), crm.Journal(), crm.Outage()
    app = crm.make_app(records, notices, {OWN_KEY: OWN_NAME, STAFF_KEY: "front desk"}, calls, journal, outage)
    try:
        with LoopbackServer(app) as server:
            desk = CrmConsumer(server.url, STAFF_KEY)
            yield Crm(server.url, records, notices, calls, journal, outage, desk)
            desk.close()
    finally:
        notices.close()

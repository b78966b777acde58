"""Everything that the demo needs to be there: a platform, a CRM, the service between them, and a page to look at."""

from __future__ import annotations

import secrets
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final, Self, cast

from contact_sync.delivery import Backlog, Delivery, open_delivery
from contact_sync.demo import crm, page
from contact_sync.demo.data import CONTACTS_FILE
from contact_sync.demo.integration.app import OWN_NAME
from contact_sync.demo.integration.consumer import CrmConsumer
from contact_sync.installations import token_installation_id
from contact_sync.testing.sandbox import DeliveryRules, LoopbackServer, SandboxPlatform
from key_stores import KeyStore, PairListing, open_key_store

from .check import Comparison
from .service import Service

STAFF: Final = "front desk"

ANSWER_SECONDS: Final = 60.0
"""How long the platform waits for an answer: one event is the import of everything."""


class World:
    """Real servers on loopback, each on a free port, and a folder that is gone afterwards. Use it with `with`.

    Attributes:
        platform: The chatbot platform.
        records: The CRM's contacts; what is written here directly is not noticed by anybody.
        notices: The CRM's notices.
        crm_calls: Who has called the CRM's API, and how often.
        crm_journal: What was written in the CRM, and by whom.
        outage: The switch with which the CRM goes down.
        desk: The CRM's API, as the people who work with it use it.
        service: The integration.
        page: The page that shows both sides.
        tell: Says how far the step is that is being played.
        agreed: What the last check of both sides found.
        interrupted: Whether the story is to end early.
    """

    def __init__(self) -> None:
        self._closing = ExitStack()
        self.tell: Callable[[str], object] = lambda _note: None
        self.agreed = Comparison(0, 0, ())
        self.interrupted = False
        folder = self._closing.enter_context(tempfile.TemporaryDirectory(prefix="contact-sync-demo-"))
        self._store_url = f"sqlite:///{folder}/pairs.db"
        self._store: KeyStore | None = None
        self._inbox_url = f"sqlite:///{folder}/inbox.db"
        self._inbox: Delivery | None = None
        self._own_key, staff_key = secrets.token_urlsafe(), secrets.token_urlsafe()
        self.platform = SandboxPlatform(echo=True, delivery=DeliveryRules(timeout=ANSWER_SECONDS))
        self.records = crm.Records()
        self.notices = crm.Notices()
        self.crm_calls = crm.Calls()
        self.crm_journal = crm.Journal()
        self.outage = crm.Outage()
        keys = {self._own_key: OWN_NAME, staff_key: STAFF}
        crm_app = crm.make_app(self.records, self.notices, keys, self.crm_calls, self.crm_journal, self.outage)
        self.crm_server = LoopbackServer(crm_app)
        self.service = Service(Path(folder) / "service.log")
        self.page = LoopbackServer(page.make_app(self))
        self._staff_key = staff_key

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.close()

    def start(self) -> None:
        """Start all of it.

        Raises:
            RuntimeError: The service does not come up.
        """
        for contact in crm.read_contacts(CONTACTS_FILE):
            self.records.add(contact)
        self._closing.callback(self.notices.close)
        self._closing.enter_context(self.crm_server)
        self._closing.enter_context(self.platform)
        self.desk = CrmConsumer(self.crm_server.url, self._staff_key)
        self._closing.callback(self.desk.close)
        self._closing.callback(self.service.stop)
        self.service.start(
            {
                "BOTMATIC_BASE_URL": self.platform.url,
                "DEMO_CRM_URL": self.crm_server.url,
                "DEMO_CRM_KEY": self._own_key,
                "DEMO_KEY_STORE": self._store_url,
                "DEMO_INBOX": self._inbox_url,
                "DEMO_SECRET_KEY": secrets.token_urlsafe(),
                "DEMO_OWN_URL": self.service.url,
            }
        )
        self._store = open_key_store(self._store_url)
        self._closing.callback(self._store.close)
        self._inbox = open_delivery(self._inbox_url)
        self._closing.callback(self._inbox.close)
        self._closing.enter_context(self.page)

    def interrupt(self) -> None:
        """Let the step that is being played fail soon, from another thread."""
        self.interrupted = True
        self.service.stop()

    @property
    def installation(self) -> str:
        """The id under which the service knows the platform's workspace."""
        return token_installation_id(self.platform.token)

    @property
    def store(self) -> KeyStore:
        """The service's key store, opened a second time to look into it."""
        if self._store is None:
            raise RuntimeError("the world is not started")
        return self._store

    @property
    def inbox(self) -> Delivery:
        """The service's inbox, opened a second time to look into it. Nothing is applied here."""
        if self._inbox is None:
            raise RuntimeError("the world is not started")
        return self._inbox

    def backlog(self) -> Backlog:
        """What waits in the service's inbox, and what has failed there."""
        return self.inbox.backlog()

    def pairs(self) -> list[tuple[str, str]]:
        """All pairs of the installation: (platform id, CRM id)."""
        return list(cast(PairListing, self.store).iter_pairs(self.installation))

    def count_pairs(self) -> int:
        """How many pairs the installation has."""
        return cast(PairListing, self.store).count_pairs(self.installation)

    def partner_of_platform(self, id: str) -> str | None:
        """The CRM id that a platform id is paired with."""
        return self.store.get_external_id(self.installation, id)

    def partner_of_crm(self, id: str) -> str | None:
        """The platform id that a CRM id is paired with."""
        return self.store.get_botmatic_id(self.installation, id)

    def crm_contacts(self) -> dict[str, dict[str, Any]]:
        """All of the CRM's contacts, by id."""
        contacts, _ = self.records.page(1, 1_000_000)
        return {str(contact["id"]): contact for contact in contacts}

"""`ContactSync`: wires everything together. The face that users see."""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Final, Literal, Self

from key_stores import KeyStore, KeyStoreError, Records

from . import arguments, blueprint
from . import server as default_server
from .abilities import Abilities, reach
from .auth import (
    AuthFunction,
    FunctionAuth,
    InstalledAuth,
    PlatformAuth,
    SettingsAuth,
    StoredAuth,
    WithClient,
    allow_any_token,
)
from .baselines import KEY_RECORD, Keys
from .calling import Calling
from .claims import WAIT_SECONDS, Claims
from .consumer import ExternalAPIConsumer
from .contact_events import ContactEvents
from .delivery import Delivery, Parts, Seal
from .delivery_ids import delivery_id_reader
from .engine import Engine
from .errors import ConfigurationError
from .events import EventName
from .external_webhooks import ExternalWebhooks
from .external_webhooks.blueprint import make_blueprint as make_external_blueprint
from .external_webhooks.receiving import make_receivers
from .external_webhooks.webhooks import checked_webhooks
from .handlers import Handlers
from .identities import Identities, InstallationFunction
from .imports import Importer
from .installations import Installations
from .listeners import Listeners
from .metrics import open_metrics
from .pipeline import Pipeline
from .platforms import BotmaticPlatform, Platform
from .pulling import Puller
from .registering import Registering
from .review import Review
from .rules import (
    BLOCKED_MATCHES,
    LATE_SECONDS,
    TOMBSTONE_SECONDS,
    ConflictPolicy,
    DeletePolicy,
    Direction,
    Missing,
    ReadOnly,
    Unmatched,
    checked_rules,
)
from .scopes import ConsumerFunction, Scopes
from .settings_page import SettingsPages, origin_of
from .vault import Vault
from .webhook import BODY_LIMIT, Webhook

if TYPE_CHECKING:
    from flask import Blueprint, Flask

log = logging.getLogger(__name__)

UPLOAD_LIMIT: Final = 10_000_000
"""How many bytes a post of settings with files may have unless the user says otherwise."""

NAME: Final = "contact_sync"


class ContactSync(Calling, Registering):
    """Keeps the contacts of a chatbot platform and of a CRM the same.

    Mount `sync.blueprint` on a Flask app of yours, or start the default server with `sync.run()` or
    `contact-sync serve module:sync`. Every method that takes a `token` takes `installation="…"` in its place.

    Args:
        consumer: The CRM: an `ExternalAPIConsumer`, or a function from `Auth` to one for one CRM account a tenant.
        mappings: The table of fields: a `Mapper`, a list of `Mapping`, or Node's list of dicts.
        key_store: Where id pairs are kept: a `KeyStore` or a URL (`redis://…`, `sqlite:///…`).
        auth: Decides who may speak, from the token to an `Auth`, a dict of its fields, a client object, or `True`;
            `False`, `None` or an exception refuse. Left out: a token that was installed here and that the platform
            confirms.
        endpoint: The path of the webhook, below the prefix with which the blueprint is mounted.
        server: A Flask app to mount the webhook on at once.
        port: The port of the default server.
        platform: The chatbot side; Botmatic at `BOTMATIC_BASE_URL` unless given.
        installation_id: Names the client of who speaks, so that a rotated token keeps its pairs.
        installations: `"any"` lets every workspace of the platform be installed. Otherwise, without an `auth` and with
            one CRM account for all, the first installation keeps others out until it uninstalls.
        secret_keys: Texts that encrypt remembered tokens, and from which the keys of baselines are derived; the first
            encrypts, all decrypt.
        conflicts: Who wins where both sides changed a field: `last_write`, `botmatic`, `external`, or a function from a
            `Conflict` to one of the two sides. A row's own `conflict` comes first.
        unmatched: What becomes of a contact that is found nowhere on the other side: `create`, `hold` or `skip`; or a
            dict of these by direction (`to_botmatic`, `to_external`).
        missing: What becomes of a pair whose other record turns out to be gone: `tombstone` (it counts as deleted),
            `unlink`, or `recreate`.
        deletes: What a delete does on the other side: `delete`, `archive`, `mark(field=value)`, `unlink` or `ignore`;
            or a dict of these by direction.
        blocked_matches: Patterns of match values by which nobody is recognised, such as `info@*`.
        tombstone_seconds: How long a deleted contact is remembered, so that a late update does not bring it back.
        late_seconds: How late a side may tell of what it had before the sync wrote there, and still be understood: such
            a value of the platform is no edit, and such news of the CRM is checked with the CRM.
        read_only: What becomes of a change on the platform that the CRM cannot take, as its consumer has declared:
            `ignore` (each side keeps its own), `error` (likewise, but the event fails and names the fields), or
            `revert` (the platform gets the CRM's value back).
        delivery: How accepted events get applied: `inline` (within the request), a URL of a durable one
            (`sqlite:///inbox.db`, `postgresql://…`, `dramatiq+redis://…`), or a `Delivery`.
        delivery_id: Where the sender of events puts an id of each delivery, by which a durable delivery recognises what
            comes again: `header:NAME` or `field:NAME`.
        body_limit: How many bytes a request may have.
        external_webhooks: Who may send webhooks of the CRM, and for whom they are: `ExternalWebhooks(…)`, or several by
            path. They are answered by `sync.external_blueprint`.
        upload_limit: How many bytes a post of settings with files may have.
        frame_ancestors: The origins that may frame the settings page; the platform's unless given.

    Raises:
        ConfigurationError: An argument is missing or wrong. The message names it.
    """

    events = EventName

    def __init__(
        self,
        consumer: ExternalAPIConsumer | ConsumerFunction = arguments.MISSING,
        mappings: arguments.Mappings = arguments.MISSING,
        key_store: KeyStore | str = arguments.MISSING,
        *,
        auth: AuthFunction | None = None,
        endpoint: str = "/",
        server: Flask | None = None,
        port: int = 3000,
        platform: Platform | None = None,
        installation_id: InstallationFunction | None = None,
        installations: Literal["any"] | None = None,
        secret_keys: Sequence[str] = (),
        conflicts: ConflictPolicy = "last_write",
        unmatched: Unmatched | Mapping[Direction, Unmatched] = "create",
        missing: Missing = "tombstone",
        deletes: DeletePolicy | Mapping[Direction, DeletePolicy] = "delete",
        blocked_matches: Sequence[str] = BLOCKED_MATCHES,
        tombstone_seconds: float = TOMBSTONE_SECONDS,
        late_seconds: float = LATE_SECONDS,
        read_only: ReadOnly = "ignore",
        delivery: Delivery | str = "inline",
        delivery_id: str | None = None,
        external_webhooks: ExternalWebhooks | Mapping[str, ExternalWebhooks] | None = None,
        body_limit: int = BODY_LIMIT,
        upload_limit: int = UPLOAD_LIMIT,
        frame_ancestors: Sequence[str] = (),
    ) -> None:
        arguments.checked_server(server)
        self.endpoint = arguments.checked_endpoint(endpoint)
        self.port = arguments.checked_port(port)
        self._body_limit = arguments.checked_limit("body_limit", body_limit)
        self._upload_limit = arguments.checked_limit("upload_limit", upload_limit)
        arguments.checked_installations(installations)
        self.auth = arguments.checked_function("auth", auth)
        arguments.checked_function("installation_id", installation_id)
        webhooks = checked_webhooks(external_webhooks)
        self.scopes = Scopes(consumer)
        self.mapper = arguments.to_mapper(mappings)
        vault = Vault(secret_keys)
        rules = checked_rules(
            conflicts, unmatched, missing, deletes, blocked_matches, tombstone_seconds, late_seconds, read_only
        )
        self.platform, owns_platform = arguments.to_platform(platform)
        self.key_store, owns_store = arguments.to_key_store(key_store)
        self.delivery, owns_delivery = arguments.to_delivery(delivery)
        reads_id = None if delivery_id is None else delivery_id_reader(delivery_id)
        if reads_id is not None and not self.delivery.durable:
            raise ConfigurationError("delivery_id: inline keeps no ids of deliveries; choose a durable delivery")
        opened = (self.platform, owns_platform), (self.key_store, owns_store), (self.delivery, owns_delivery)
        self._to_close = [part for part, own in opened if own]

        self.abilities = Abilities.of(self.key_store)
        claims = Claims(self.abilities.leases, self.abilities.claims, **_lease(self.delivery))
        only_one = installations is None and auth is None and self.scopes.shared is not None
        self.installations = Installations(self.abilities, claims, vault, only_one=only_one)
        self.pipeline = Pipeline()
        keys = Keys(secret_keys, self.abilities.records, lambda id: claims.hold(id, [KEY_RECORD]))
        self.engine = Engine(self.mapper, self.platform, self.abilities, claims, self.pipeline, rules, keys)
        self.importer = Importer(self.engine)
        self.puller = Puller(self.engine, self.importer)
        self.review = Review(self.engine)
        self.listeners = Listeners()

        asks_platform = PlatformAuth(self.platform)
        function_auth = None if auth is None else FunctionAuth(auth)
        self.identities = Identities(self.installations, function_auth, installation_id)
        asks_again = PlatformAuth(self.platform)  # with questions of its own: strangers who install hold up nobody here
        installed_auth = InstalledAuth(asks_again, self.installations, self.identities.installation_of)
        contacts = ContactEvents(
            self.engine,
            self.scopes,
            self.listeners,
            # Where installations are forgotten at a restart, that one is missing says nothing.
            is_uninstalled=lambda id: (
                auth is None and isinstance(self.key_store, Records) and self.installations.find(id) is None
            ),
            speaker=self.identities.speaker,
        )
        seal = Seal(vault.seal_event, vault.open_event, vault.digest)
        revive = StoredAuth(function_auth, self.installations)
        self.delivery.connect(Parts(contacts.sync, contacts, revive, seal))
        handlers = Handlers(
            self.listeners, self.engine, self.installations, contacts, self.delivery, installed_auth.forget
        )
        self.webhook = Webhook(
            by_platform=WithClient(asks_platform, function_auth) if installation_id else asks_platform,
            by_user=function_auth or installed_auth,
            installation_of=self.identities.installation_of,
            pipeline=self.pipeline,
            handlers=handlers,
            delivery_id=reads_id,
        )
        self._receivers = make_receivers(
            webhooks, self.identities, self.installations, self.abilities, self.pipeline, handlers
        )
        settings_auth = SettingsAuth(asks_platform, function_auth, self.installations, self.identities.installation_of)
        self._settings = self._settings_pages(settings_auth, frame_ancestors)
        self._blueprint: Blueprint | None = None
        self._external_blueprint: Blueprint | None = None
        self._app = server
        self._server: default_server.Server | None = None
        if auth is allow_any_token:
            log.warning("auth=allow_any_token: everybody who reaches the webhook may change and delete CRM records")
        if not vault:
            log.warning(
                "No secret_keys: tokens of installations are kept in memory alone, and after a restart nothing can "
                "speak for an installation until it is installed again. Pass secret_keys=[…] with a random text of at "
                "least 32 characters"
            )
        if not vault and self.delivery.durable:
            log.warning(
                "No secret_keys: events that wait are stored unencrypted, with their contacts' data and the tokens of "
                "who sent them. Pass secret_keys=[…]"
            )
        if server is not None:
            server.register_blueprint(self.blueprint)
            if self._receivers:
                server.register_blueprint(self.external_blueprint, url_prefix=default_server.EXTERNAL)

    # Mounting and serving

    @property
    def blueprint(self) -> Blueprint:
        """The webhook and the settings pages, to be mounted once: `app.register_blueprint(sync.blueprint, …)`."""
        if self._blueprint is None:
            self._blueprint = self.make_blueprint()
        return self._blueprint

    def make_blueprint(self, name: str = NAME) -> Blueprint:
        """Make another blueprint, to mount the same sync a second time under another name."""
        made = blueprint.make_blueprint(self.webhook, name, self.endpoint, self._body_limit)
        if self._settings is not None:
            self._settings.register(made)
        return made

    @property
    def external_blueprint(self) -> Blueprint:
        """The CRM's webhooks, to be mounted once below a prefix of their own.

        The default server has them at `/external`; so has an app that was given as `server`.

        Raises:
            ConfigurationError: There is no `external_webhooks`.
        """
        if not self._receivers:
            raise ConfigurationError("external_webhooks: missing; pass ExternalWebhooks(…), with the CRM's scheme")
        if self._external_blueprint is None:
            self._external_blueprint = make_external_blueprint(self._receivers, f"{NAME}_external", self._body_limit)
        return self._external_blueprint

    @property
    def app(self) -> Flask:
        """The Flask app that it is mounted on: the `server` given, else the default server's own."""
        if self._app is None:
            metrics = open_metrics(self.delivery.backlog if self.delivery.durable else None)
            external = self.external_blueprint if self._receivers else None
            self._app = default_server.default_app(
                self.blueprint, self.endpoint, self.unready, metrics, external=external
            )
        return self._app

    def unready(self) -> str | None:
        """Why no event could be handled now, or `None` if all is well. The default server answers it on `/readyz`."""
        try:
            reach(self.abilities)
        except KeyStoreError as error:
            return f"key store: {error}"
        reason = self.delivery.unready()
        return None if reason is None else f"delivery: {reason}"

    def run(
        self, host: str = "127.0.0.1", port: int | None = None, *, worker_threads: int = default_server.WORKER_THREADS
    ) -> None:
        """Run the default server in this process until it is stopped (Ctrl-C, SIGTERM, or `close`).

        Args:
            host: The address to listen on.
            port: The port; that of this object unless given.
            worker_threads: How many events of a durable delivery are applied at once beside it; 0 if workers of their
                own do it (`contact-sync worker`, `run_worker`).
        """
        chosen = self.port if port is None else arguments.checked_port(port)
        delivering = default_server.beside(self.delivery, worker_threads)
        self._server = default_server.Server(self.app, host, chosen, delivering=delivering)
        self._server.run()

    def run_worker(
        self, stop: threading.Event, *, threads: int = 8, grace: float = default_server.GRACE_SECONDS
    ) -> bool:
        """Apply what waits in a durable delivery until `stop` is set; then finish what is in flight.

        `contact-sync worker` and `contact-sync serve` do it by themselves.

        Returns:
            Whether everything in flight was finished in the time of grace.
        """
        return self.delivery.run_worker(stop, threads=threads, grace=grace)

    def close(self, callback: Callable[[], object] | None = None) -> None:
        """Stop the default server, close what this object opened itself, then call back. May be called twice."""
        if self._server is not None:
            self._server.stop()
            self._server = None
        with contextlib.ExitStack() as rest:  # one that cannot be closed does not keep the others open
            if callback is not None:
                rest.callback(callback)
            for part in reversed(self._to_close):
                rest.callback(part.close)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # Inside

    def _settings_pages(self, verify: SettingsAuth, frame_ancestors: Sequence[str]) -> SettingsPages | None:
        if not frame_ancestors and isinstance(self.platform, BotmaticPlatform):
            frame_ancestors = [origin_of(self.platform.base_url)]
        if not frame_ancestors:
            return None
        return SettingsPages(
            verify,
            frame_ancestors=frame_ancestors,
            body_limit=self._body_limit,
            upload_limit=self._upload_limit,
            reserved=[self.endpoint],
        )


def _lease(delivery: Delivery) -> dict[str, float]:
    """How long claims last. What is delivered durably comes again, so nobody need wait long for whoever died."""
    if delivery.lease_seconds is None:
        return {}
    return {"seconds": delivery.lease_seconds, "wait": min(WAIT_SECONDS, delivery.lease_seconds)}

"""For whom a CRM's events are: from what the CRM calls an account to an installation, and who speaks for it."""

from __future__ import annotations

import logging
from typing import Final

from contact_sync.events import Auth
from contact_sync.failures import FAULTS, translate
from contact_sync.identities import Identities
from contact_sync.installations import Installations
from contact_sync.results import Result

from .webhooks import Identify

log = logging.getLogger(__name__)

NOBODYS: Final = "nothing is installed here for the account that it is of"
SEVERAL: Final = "several installations are here, and external_webhooks has no identify that tells whose it is"
NOT_KNOWN: Final = "no installation is known here, and the key store does not remember any across restarts"
NO_SPEAKER: Final = (
    "Nobody can speak for the installation %s, so the CRM's events for it are put off (%s). Its token is remembered "
    "when it is installed; beyond this process only with secret_keys: set them, and install it again"
)


class Speaking:
    """Finds installations, and who speaks for them.

    Args:
        identities: Who speaks for an installation.
        installations: Who is installed.
        remembers: Whether the key store remembers installations: one that it does not know is installed no more.
    """

    def __init__(self, identities: Identities, installations: Installations, *, remembers: bool) -> None:
        self._identities = identities
        self._installations = installations
        self._remembers = remembers

    def of(self, account: str | None, identify: Identify | None) -> tuple[str, Auth] | Result:
        """Find out for whom an event is.

        Returns:
            The installation and who speaks for it. A skipped result if it is nobody's here; a retryable one if that
            cannot be found out now, or if nobody can speak.
        """
        try:
            found = self._only_one() if identify is None else _identified(account, identify)
            if isinstance(found, Auth):
                return _for_now(self._identities.of_method(found.token, None))
            if isinstance(found, Result):
                return found
            if self._remembers and self._installations.find(found) is None:
                return Result.skipped(NOBODYS)
            who = self._identities.of_method(None, found)
        except Exception as error:  # noqa: BLE001 - a user's store may raise anything
            return translate(error, "finding out for whom an event is").with_(retryable=True)
        if isinstance(who, Result) and not who.retryable:
            log.error(NO_SPEAKER, found, who.error)
        return _for_now(who)

    def _only_one(self) -> str | Result:
        installed = self._installations.all()
        if len(installed) > 1:
            log.error("The CRM's events are put off: %s", SEVERAL)
            return Result.failed(SEVERAL, retryable=True)
        if not installed:
            return Result.skipped(NOBODYS) if self._remembers else Result.failed(NOT_KNOWN, retryable=True)
        return installed[0].id


def _identified(account: str | None, identify: Identify) -> str | Auth | Result:
    try:
        said = identify(account)
    except FAULTS as error:
        return translate(error, "the identify function").with_(retryable=True)
    if said is None:
        return Result.skipped(NOBODYS)
    if isinstance(said, Auth) or (isinstance(said, str) and said):
        return said
    log.error("identify returned %s; expected the id of an installation, an Auth, or None", type(said).__name__)
    return Result.failed("identify did not name an installation", retryable=True)


def _for_now(who: tuple[str, Auth] | Result) -> tuple[str, Auth] | Result:
    return who.with_(retryable=True) if isinstance(who, Result) else who

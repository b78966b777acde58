"""What the checks of `contact-sync check` are given, and what they give."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from contact_sync.consumer import ExternalAPIConsumer
from contact_sync.events import Auth
from contact_sync.integration import ContactSync
from contact_sync.results import Result

from .stores import is_of_this_process

State = Literal["ok", "warn", "fail", "skipped"]


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check found.

    Attributes:
        name: What was looked at.
        state: Whether it is in order. A check that could not be made is `skipped`.
        detail: What was found. Names no token and no value of a contact.
        remedy: What to do about it.
    """

    name: str
    state: State
    detail: str
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class Subject:
    """What is checked: a sync and, perhaps, somebody to speak as."""

    sync: ContactSync
    token: str | None
    installation: str | None

    def speaker(self) -> tuple[str, Auth] | Result | None:
        """The installation, and who speaks for it; a failed result if that was refused; `None` if nobody was named."""
        if self.token is None and self.installation is None:
            return None
        if self.names_nobody:
            return Result.failed("there is no such installation")
        return self.sync.identities.of_method(self.token, self.installation)

    @property
    def names_nobody(self) -> bool:
        """Whether the installation that was named is not there."""
        return self.installation is not None and self.sync.installations.find(self.installation) is None

    @property
    def options(self) -> str:
        """The options that say as whom to check."""
        if self.sees_installations:
            return "--token-env NAME, --ask-token or --installation ID"
        return "--token-env NAME or --ask-token"

    @property
    def another(self) -> str:
        """What to do if nobody may speak for whom was named."""
        if self.names_nobody:
            return "Name one that there is: 'contact-sync installations app:sync list' lists them"
        return "Give the token of an installation, or install again"

    @property
    def consumer(self) -> ExternalAPIConsumer | Result | None:
        """The CRM account: the one of all, or that of whoever was named; a failed result, or `None`, as `speaker`."""
        shared = self.sync.scopes.shared
        if shared is not None:
            return shared
        if self.installation is not None and not self.sees_installations:
            return None
        speaker = self.speaker()
        if speaker is None or isinstance(speaker, Result):
            return speaker
        scope = self.sync.scopes.of(*speaker)
        return scope if isinstance(scope, Result) else scope.consumer

    @property
    def sees_installations(self) -> bool:
        """Whether the installations can be looked up from here: those of a service may be in its memory."""
        return not is_of_this_process(self.sync.key_store)


Check = Callable[[Subject], Iterator[Finding]]

"""The consumer: a workspace's members, looked up, listed, and told of when they change."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from slack_sdk import WebClient

from contact_sync.consumer import EMAIL, PAGE_SIZE, Changes, CRMField, CursorExpired, RateBudget, ReadOnlyConsumer
from contact_sync.consumers.http import Timeouts
from contact_sync.errors import ConfigurationError, ContactSyncError
from contact_sync.results import NOT_FOUND, Result

from .client import BASE_URL, Client
from .failures import STALE
from .members import (
    MEMBER_FIELDS,
    MEMBER_ID,
    as_contact,
    custom_crm_fields,
    is_deactivated,
    is_guest,
    is_invited,
    is_person,
)
from .workspace import Member, Workspace

LOOK_UPS: Final = RateBudget(50, per=60)
"""What Slack takes of `users.lookupByEmail` (its Tier 3). `users.info` (Tier 4) may be asked more often, `users.list`
(Tier 2) less often: a walk waits as long as Slack says."""

LARGEST_PAGE: Final = 1000
LONGEST_ADDRESS: Final = 320

OVERLAP: Final = 300
"""By how many seconds what is told of changes reaches back beyond the last time: Slack has many servers, whose clocks
and copies differ."""

_CURSOR: Final = re.compile(r"([0-9]{1,12})(?: ([0-9]{1,12}) ([!-~]{1,500}))?")


class SlackConsumer(ReadOnlyConsumer):
    """The members of a Slack workspace as contacts, as Slack gives them: `id`, `real_name`, `profile.email`, ….

    Bots, Slackbot, people of other workspaces whom no channel is shared with, and who has only been invited, are no
    contacts. Deactivated members are archived ones: neither read nor found nor listed.

    Args:
        slack: A token with the scopes `users:read` and `users:read.email`; or a `slack_sdk.WebClient`, whose time-outs,
            retries and logs are its maker's affair.
        team_id: Which workspace, for the token of an organisation.
        guests: Whether guests are contacts.
        custom_fields: Whether the workspace's own fields are read, as `profile.fields.<the field's id>`. It takes the
            scope `users.profile:read`, and a call for each member.
        page_size: How many members to ask for with one call.
        rate_budget: How many calls to make in what time; `None` for as many as come.
        base_url: Of Slack's Web API.
        timeouts: How long a call may take.

    Raises:
        ConfigurationError: An argument is wrong.
    """

    def __init__(
        self,
        slack: str | WebClient,
        *,
        team_id: str | None = None,
        guests: bool = True,
        custom_fields: bool = False,
        page_size: int = 200,
        rate_budget: RateBudget | None = LOOK_UPS,
        base_url: str | None = None,
        timeouts: Timeouts | None = None,
    ) -> None:
        if isinstance(page_size, bool) or not isinstance(page_size, int) or not 1 <= page_size <= LARGEST_PAGE:
            raise ConfigurationError(f"SlackConsumer: page_size has to be from 1 to {LARGEST_PAGE}")
        if isinstance(slack, str):
            client: WebClient = Client(slack, base_url or BASE_URL, timeouts or Timeouts())
        elif not isinstance(slack, WebClient):
            raise ConfigurationError(
                f"SlackConsumer takes a token or a slack_sdk.WebClient, not {type(slack).__name__}"
            )
        elif base_url is not None or timeouts is not None:
            raise ConfigurationError("SlackConsumer: base_url and timeouts are those of the WebClient; leave them out")
        else:
            client = slack
        self.rate_budget = rate_budget
        self._guests = guests
        self._custom_fields = custom_fields
        self._workspace = Workspace(client, team_id, page_size)

    def get_contact(self, id: str) -> Result:
        """Read a member. Deactivated ones, and those who are no contacts, are `NOT_FOUND`."""
        return self._found(self._workspace.member(id) if MEMBER_ID.fullmatch(id) else Result.failed(NOT_FOUND))

    def get_contact_by_email(self, email: str) -> Result:
        """Find a member by e-mail address, in whatever case it is written."""
        if len(email) > LONGEST_ADDRESS or not EMAIL.fullmatch(email):
            return Result.failed(NOT_FOUND)
        member = self._workspace.member_by_email(email)
        if isinstance(member, Result) and member.not_found and email != email.lower():
            member = self._workspace.member_by_email(email.lower())
        if isinstance(member, dict) and not _has_address(member, email):
            return Result.failed(NOT_FOUND)
        return self._found(member)

    def list_contacts(self, page: int = 1, limit: int = PAGE_SIZE) -> Result:
        """Read one page of members. Slack's pages have no numbers, so those before are read as well."""
        contacts: list[Mapping[str, Any]] = []
        for result in self._walk(patient=False):
            if not result.success:
                return result
            contacts += result.contacts or ()
            if len(contacts) >= page * limit:
                break
        return Result.ok(contacts=contacts[(page - 1) * limit : page * limit])

    def iter_contacts(self, page_size: int = PAGE_SIZE) -> Iterator[Result]:  # noqa: ARG002 - see below
        """Walk over every member, in no order.

        Args:
            page_size: Slack is asked for as many at once as the consumer was made with, since it counts calls.
        """
        return self._walk(patient=True)

    def list_changed(self, cursor: str | None = None) -> Iterator[Changes | Result]:
        """Tell who has changed, from `updated`; who has changed and is no contact is told of as deleted.

        Slack cannot be asked for changes, so all members are listed every time. A walk that has ended early goes on
        where it ended. What changes in custom fields alone may not count as a change.
        """
        since, began, place = _read(cursor)
        for page in self._workspace.pages(place, patient=True):
            if isinstance(page, Result):
                if page.reason == STALE and place:
                    raise CursorExpired(STALE)
                yield page
                return
            began = began or max(1, page.at - OVERLAP)
            changed = [member for member in page.members if _updated(member) >= since]
            contacts = self._contacts(changed, patient=True)
            if isinstance(contacts, Result):
                yield contacts
                return
            yield Changes(
                cursor=f"{since} {began} {page.next}" if page.next else str(began),
                contacts=contacts,
                deleted=[member["id"] for member in changed if self._is_gone(member, first=not since)],
            )

    def list_fields(self) -> Sequence[CRMField]:
        """Name the fields that members have; with `custom_fields`, the workspace's own as well."""
        if not self._custom_fields:
            return MEMBER_FIELDS
        defined = self._workspace.definitions()
        if isinstance(defined, Result):
            raise ContactSyncError(defined.error)
        return [*MEMBER_FIELDS, *custom_crm_fields(defined)]

    def close(self) -> None:
        """Close the connections. A client that was given stays as it is."""
        if isinstance(self._workspace.client, Client):
            self._workspace.client.close()

    def _is_contact(self, member: Member) -> bool:
        return is_person(member) and not is_deactivated(member) and (self._guests or not is_guest(member))

    def _is_gone(self, member: Member, *, first: bool) -> bool:
        """Whether it may have been a contact and is none. Nobody knows who was one, so never-known ones are told, too.

        Who is told of as deleted does not come back for some days. So those who are just going to be contacts are not
        told: who is invited, and, in the first walk, strangers.
        """
        if self._is_contact(member) or is_invited(member):
            return False
        return is_person(member) or not first

    def _found(self, member: Member | Result) -> Result:
        if isinstance(member, Result):
            return member
        if not self._is_contact(member):
            return Result.failed(NOT_FOUND)
        contact = self._contact(member, patient=False)
        return contact if isinstance(contact, Result) else Result.ok(member["id"], contact=contact)

    def _walk(self, *, patient: bool) -> Iterator[Result]:
        for page in self._workspace.pages(patient=patient):
            if isinstance(page, Result):
                yield page
                return
            contacts = self._contacts(page.members, patient=patient)
            yield contacts if isinstance(contacts, Result) else Result.ok(contacts=contacts)
            if isinstance(contacts, Result):
                return

    def _contacts(self, members: Sequence[Member], *, patient: bool) -> list[dict[str, Any]] | Result:
        contacts = []
        for member in filter(self._is_contact, members):
            contact = self._contact(member, patient=patient)
            if not isinstance(contact, Result):
                contacts.append(contact)
            elif not contact.not_found:  # who is gone since the page was read is left out
                return contact
        return contacts

    def _contact(self, member: Member, *, patient: bool) -> dict[str, Any] | Result:
        if not self._custom_fields:
            return as_contact(member)
        values = self._workspace.custom_values(member["id"], patient=patient)
        return values if isinstance(values, Result) else as_contact(member, values)


def _has_address(member: Member, address: str) -> bool:
    profile = member.get("profile")
    found = profile.get("email") if isinstance(profile, dict) else None
    return isinstance(found, str) and found.casefold() == address.casefold()


def _updated(member: Member) -> float:
    updated = member.get("updated")
    return updated if isinstance(updated, int | float) and not isinstance(updated, bool) else math.inf


def _read(cursor: str | None) -> tuple[int, int, str]:
    """Since when changes are told, when the walk that goes on began, and its page. 0 and "" where there is none."""
    said = _CURSOR.fullmatch("0" if cursor is None else cursor)
    if said is None:
        raise CursorExpired("the cursor is none that SlackConsumer has given")
    return int(said[1]), int(said[2] or 0), said[3] or ""

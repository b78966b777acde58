"""What Slack is asked about a workspace's members. Its answers are checked; a failed `Result` says what went wrong."""

from __future__ import annotations

import email.utils
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from slack_sdk.web import SlackResponse

from contact_sync.failures import FAULTS, translate
from contact_sync.results import Result

from .failures import failure_of
from .members import CustomField, custom_fields, values_of

LONGEST_PAUSE: Final = 90.0
PAUSES: Final = 10
"""How long, and how often in a row, a walk waits if Slack says that it asks too much."""

Member = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Page:
    """A page of `users.list`.

    Attributes:
        members: As Slack gives them; each has an id.
        next: The next page's cursor; empty on the last one.
        at: Slack's time, in seconds since the epoch.
    """

    members: Sequence[Member]
    next: str
    at: int


class Workspace:
    """A workspace, by what Slack tells of it.

    Args:
        client: Slack's.
        team_id: Which workspace, for the token of an organisation.
        page_size: How many members to ask for with one call.
    """

    def __init__(self, client: WebClient, team_id: str | None, page_size: int) -> None:
        self.client = client
        self._team_id = team_id
        self._page_size = page_size
        self._defined: Sequence[CustomField] | None = None

    def member(self, id: str) -> Member | Result:
        """Read a member."""
        return _user(_ask("users.info", lambda: self.client.users_info(user=id)))

    def member_by_email(self, address: str) -> Member | Result:
        """Find a member."""
        return _user(_ask("users.lookupByEmail", lambda: self.client.users_lookupByEmail(email=address)))

    def pages(self, place: str = "", *, patient: bool) -> Iterator[Page | Result]:
        """Read all members, from a page's cursor on. A failure is the last thing that it yields.

        Args:
            patient: Whether to wait for as long as Slack says, where it says so. For walks that nobody waits for.
        """
        seen = {place}
        if not place:
            self._defined = None  # so that each walk knows the custom fields that there are by now
        while True:
            page = self._page(place, patient=patient)
            yield page
            if isinstance(page, Result) or not page.next:
                return
            place = page.next
            if place in seen:
                yield Result.failed("Slack gave a page's cursor for the second time; the walk would not end")
                return
            seen.add(place)

    def definitions(self, *, patient: bool = False) -> Sequence[CustomField] | Result:
        """Read which fields the workspace has added to its members' profiles. For `patient` see `pages`."""
        ask = _ask_patiently if patient else _ask
        answer = ask("team.profile.get", lambda: self.client.team_profile_get())
        profile = answer if isinstance(answer, Result) else answer.get("profile")
        if isinstance(profile, Result):
            return profile
        defined = custom_fields(profile.get("fields")) if isinstance(profile, dict) else None
        return Result.failed("Slack's answer holds no fields") if defined is None else defined

    def custom_values(self, id: str, *, patient: bool) -> Mapping[str, Any] | Result:
        """Read the custom fields of a member: a call for each. For `patient` see `pages`."""
        defined = self._defined
        if defined is None:
            known = self.definitions(patient=patient)
            if isinstance(known, Result):
                return known
            defined = self._defined = known
        ask = _ask_patiently if patient else _ask
        answer = ask("users.profile.get", lambda: self.client.users_profile_get(user=id))
        profile = answer if isinstance(answer, Result) else answer.get("profile")
        if isinstance(profile, Result):
            return profile
        if not isinstance(profile, dict):
            return Result.failed("Slack's answer holds no profile")
        return values_of(profile.get("fields"), defined)

    def _page(self, place: str, *, patient: bool) -> Page | Result:
        ask = _ask_patiently if patient else _ask
        answer = ask(
            "users.list",
            lambda: self.client.users_list(limit=self._page_size, cursor=place or None, team_id=self._team_id),
        )
        if isinstance(answer, Result):
            return answer
        members = answer.get("members")
        if not isinstance(members, list) or not all(map(_is_member, members)):
            return Result.failed("Slack's answer holds no members")
        metadata = answer.get("response_metadata")
        following = metadata.get("next_cursor") if isinstance(metadata, dict) else None
        return Page(members, following if isinstance(following, str) else "", _time_of(answer))


def _ask(method: str, call: Callable[[], SlackResponse]) -> SlackResponse | Result:
    """Call Slack. What says all there is to say by its kind or its HTTP status is let out."""
    try:
        return call()
    except SlackApiError as error:
        failure = failure_of(error, method)
        if failure is None:
            raise
        return failure


def _ask_patiently(method: str, call: Callable[[], SlackResponse]) -> SlackResponse | Result:
    """Call Slack, and wait and call again where it says how long."""
    failure = Result.failed("")
    for _ in range(PAUSES):
        try:
            return _ask(method, call)
        except FAULTS as error:
            failure = translate(error, f"SlackConsumer ({method})")
        if failure.retry_after is None or failure.retry_after > LONGEST_PAUSE:
            break
        time.sleep(failure.retry_after)
    return failure


def _user(answer: SlackResponse | Result) -> Member | Result:
    if isinstance(answer, Result):
        return answer
    member: object = answer.get("user")
    return (
        member if isinstance(member, dict) and _is_member(member) else Result.failed("Slack's answer holds no member")
    )


def _is_member(one: object) -> bool:
    return isinstance(one, dict) and isinstance(one.get("id"), str) and one["id"] != ""


def _time_of(answer: SlackResponse) -> int:
    """When Slack answered, by its own clock if it says so."""
    said = next((value for name, value in answer.headers.items() if name.lower() == "date"), None)
    try:
        return int(email.utils.parsedate_to_datetime(str(said)).timestamp())
    except (ValueError, OverflowError):
        return int(time.time())

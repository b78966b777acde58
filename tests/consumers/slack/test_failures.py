"""What becomes of Slack's errors: most come with the status 200."""

from __future__ import annotations

import logging
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
from slack_sdk import WebClient

from contact_sync.consumer import RateBudget, ask, changes, pages
from contact_sync.consumers.http import Timeouts
from contact_sync.consumers.slack import SlackConsumer
from contact_sync.errors import ConfigurationError
from contact_sync.results import Result
from tests.consumers.slack.documented import TOKEN, DocumentedSlack, member

Make = Callable[..., SlackConsumer]

ADDRESS = "somebody.secret@example.org"


def error(code: object, **more: str) -> tuple[int, dict[str, str], object]:
    return 200, {}, {"ok": False, "error": code} | more


@pytest.mark.parametrize(
    "code", ["fatal_error", "internal_error", "ratelimited", "request_timeout", "service_unavailable"]
)
def test_what_is_so_for_now_may_be_tried_again(slack: DocumentedSlack, consumer: Make, code: str) -> None:
    slack.next.append(error(code))
    result = ask(consumer(), "get_contact", "U1")
    assert (result.error, result.retryable) == (f"Slack answers {code} to users.info", True)


@pytest.mark.parametrize("code", ["account_inactive", "invalid_auth", "not_authed", "token_expired", "token_revoked"])
def test_a_token_that_is_not_good_is_said_to_be(slack: DocumentedSlack, consumer: Make, code: str) -> None:
    slack.next.append(error(code))
    result = ask(consumer(), "get_contact", "U1")
    assert (result.retryable, result.not_found) == (False, False)
    assert result.error == (
        f"Slack answers {code} to users.info: the token is not good any more; "
        "take that of the app as it is installed now"
    )


@pytest.mark.parametrize(
    ("needed", "named"),
    [("users:read.email", "users:read.email"), (None, "which it does not name"), (ADDRESS * 9, "wh")],
)
def test_a_missing_scope_is_named(slack: DocumentedSlack, consumer: Make, needed: str, named: str) -> None:
    slack.next.append(error("missing_scope", needed=needed, provided="chat:write"))
    result = ask(consumer(), "get_contact_by_email", ADDRESS)
    assert not result.not_found
    assert f"missing_scope to users.lookupByEmail: add the scope ({named}" in (result.error or "")


@pytest.mark.parametrize("code", ["no_permission", "team_access_not_granted", "method_deprecated"])
def test_any_other_error_is_a_failure_with_slacks_code(slack: DocumentedSlack, consumer: Make, code: str) -> None:
    slack.next.append(error(code))
    result = ask(consumer(), "list_contacts")
    assert (result.error, result.retryable) == (f"Slack answers {code} to users.list", False)


@pytest.mark.parametrize("code", [None, 7, ["user_not_found"], f"Received {ADDRESS}", ""])
def test_what_is_no_code_is_not_repeated(slack: DocumentedSlack, consumer: Make, code: object) -> None:
    slack.next.append(error(code))
    result = ask(consumer(), "get_contact", "U1")
    assert result.error == "Slack answers an error without a code to users.info"


@pytest.mark.parametrize("profile", [None, [], {"fields": None}, {"fields": [{"label": "no id"}]}])
def test_fields_that_cannot_be_read_are_a_failure(slack: DocumentedSlack, consumer: Make, profile: object) -> None:
    slack.members = {"U1": member("U1")}
    slack.next.extend([(200, {}, {"ok": True, "user": member("U1")}), (200, {}, {"ok": True, "profile": profile})])
    assert ask(consumer(custom_fields=True), "get_contact", "U1").error == "Slack's answer holds no fields"
    slack.next.append((200, {}, {"ok": True, "profile": profile}))
    assert ask(consumer(custom_fields=True), "list_fields").error == "Slack's answer holds no fields"


def test_a_profile_that_cannot_be_read_is_a_failure(slack: DocumentedSlack, consumer: Make) -> None:
    answers: list[dict[str, Any]] = [{"user": member("U1")}, {"profile": {"fields": []}}, {"profile": None}]
    slack.next.extend((200, {}, {"ok": True} | answer) for answer in answers)
    assert ask(consumer(custom_fields=True), "get_contact", "U1").error == "Slack's answer holds no profile"


class TestLimits:
    def test_a_single_call_says_when_to_come_again(self, slack: DocumentedSlack, consumer: Make) -> None:
        slack.next.append((429, {"Retry-After": "30"}, {"ok": False, "error": "ratelimited"}))
        result = ask(consumer(), "get_contact", "U1")
        assert (result.retryable, result.retry_after) == (True, 30)

    def test_a_walk_waits_as_long_as_slack_says(self, slack: DocumentedSlack, consumer: Make) -> None:
        slack.members = {f"U{n}": member(f"U{n}") for n in range(3)}
        limited = (429, {"Retry-After": "0"}, {"ok": False, "error": "ratelimited"})
        slack.next.extend([limited, limited])
        found = [contact["id"] for page in pages(consumer(page_size=2)) for contact in page.contacts or ()]
        assert found == ["U0", "U1", "U2"]
        assert len(slack.asked("users.list")) == 4

    @pytest.mark.parametrize("wait", ["3600", "soon"])
    def test_a_walk_does_not_wait_for_ever(self, slack: DocumentedSlack, consumer: Make, wait: str) -> None:
        slack.next.append((429, {"Retry-After": wait}, {"ok": False, "error": "ratelimited"}))
        (failure,) = changes(consumer(), None)
        assert isinstance(failure, Result)
        assert (failure.retryable, failure.retry_after) == (True, 3600 if wait == "3600" else None)

    def test_a_walk_does_not_wait_again_and_again(self, slack: DocumentedSlack, consumer: Make) -> None:
        slack.next.extend([(429, {"Retry-After": "0"}, "")] * 50)
        (failure,) = pages(consumer())
        assert failure.retryable
        assert len(slack.calls) == 10

    def test_look_ups_keep_to_what_slack_takes_unless_it_is_said_otherwise(self) -> None:
        assert SlackConsumer("xoxb-1").rate_budget == RateBudget(50, per=60)
        assert SlackConsumer("xoxb-1", rate_budget=RateBudget(10)).rate_budget == RateBudget(10)


class TestTheWay:
    def test_a_redirect_is_not_followed(self, slack: DocumentedSlack, consumer: Make) -> None:
        """The token would go along."""
        slack.next.append((307, {"Location": f"{slack.url}/elsewhere"}, ""))
        assert not ask(consumer(), "get_contact", "U1").success
        assert [method for method, _ in slack.calls] == ["users.info"]

    def test_nothing_that_is_asked_or_answered_is_logged(
        self, slack: DocumentedSlack, consumer: Make, caplog: pytest.LogCaptureFixture
    ) -> None:
        slack.members = {"U1": member("U1", profile={"email": ADDRESS})}
        one = consumer()
        with caplog.at_level(logging.DEBUG):
            assert ask(one, "get_contact_by_email", ADDRESS).success
            slack.next.extend([(200, {}, f"<p>{ADDRESS}"), (500, {}, ADDRESS), error(ADDRESS)])
            for _ in range(3):
                result = ask(one, "get_contact_by_email", ADDRESS)
                assert ADDRESS not in repr(result) + str(result.error)
        assert ADDRESS not in caplog.text
        assert TOKEN not in caplog.text + repr(one) + repr(vars(one))

    def test_a_client_of_ones_own_is_taken_as_it_is(self, slack: DocumentedSlack) -> None:
        slack.members = {"U1": member("U1")}
        client = WebClient(TOKEN, f"{slack.url}/", retry_handlers=[])
        one = SlackConsumer(client, rate_budget=None)
        assert ask(one, "get_contact", "U1").success
        one.close()
        assert ask(one, "get_contact", "U1").success
        slack.next.append((429, {"Retry-After": "30"}, {"ok": False, "error": "ratelimited"}))
        limited = ask(one, "get_contact", "U1")
        assert (limited.retryable, limited.retry_after) == (True, 30)
        slack.next.append((200, {}, f"<p>{ADDRESS}"))
        unreadable = ask(one, "get_contact", "U1")
        assert (unreadable.success, ADDRESS in str(unreadable.error)) == (False, False)

    def test_a_method_that_would_write_is_not_called(self, slack: DocumentedSlack, consumer: Make) -> None:
        with pytest.raises(NotImplementedError):
            consumer()._workspace.client.chat_postMessage(channel="C1", text="no")
        assert slack.calls == []


class TestArguments:
    @pytest.mark.parametrize("token", ["", "  ", "xoxb\n1", "xöxb"])
    def test_a_token_that_is_none_is_refused_without_being_repeated(self, token: str) -> None:
        with pytest.raises(ConfigurationError) as raised:
            SlackConsumer(token)
        assert str(raised.value) == "SlackConsumer: the token is empty, or holds what no token does"

    def test_only_a_token_or_a_client_is_taken(self) -> None:
        with pytest.raises(ConfigurationError, match=r"a token or a slack_sdk\.WebClient, not NoneType"):
            SlackConsumer(None)  # type: ignore[arg-type]  # what is refused

    @pytest.mark.parametrize("size", [0, 1001, True, "200"])
    def test_a_page_has_from_1_to_1000_members(self, size: int) -> None:
        with pytest.raises(ConfigurationError, match="page_size has to be from 1 to 1000"):
            SlackConsumer("xoxb-1", page_size=size)

    def test_the_url_and_time_outs_of_a_client_are_its_own(self) -> None:
        with pytest.raises(ConfigurationError, match="are those of the WebClient"):
            SlackConsumer(WebClient("xoxb-1"), base_url="https://slack.example")
        with pytest.raises(ConfigurationError, match="are those of the WebClient"):
            SlackConsumer(WebClient("xoxb-1"), timeouts=Timeouts())

    def test_without_slack_sdk_it_says_what_to_install(self) -> None:
        program = (
            "import sys; sys.modules['slack_sdk'] = None\n"
            "import contact_sync.consumers\n"
            "try: import contact_sync.consumers.slack\n"
            "except Exception as error: print(type(error).__name__, error)"
        )
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
        assert done.stdout == "ConfigurationError slack_sdk is not installed; pip install 'contact-sync[slack]'\n"

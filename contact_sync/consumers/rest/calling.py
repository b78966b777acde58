"""Calls of a declared API: sends them, and judges what is answered."""

from __future__ import annotations

from typing import Any, Final, Literal

from requests.auth import AuthBase

from contact_sync.consumer import EXISTS, unhurried
from contact_sync.consumer.pace import patience
from contact_sync.consumers.http import Api, Reply, UnreadableAnswer
from contact_sync.errors import ContactSyncError
from contact_sync.failures import parse_retry_after
from contact_sync.results import NOT_FOUND, Result

from .answers import Answer
from .declaration import Declaration
from .endpoints import Endpoint
from .paging import Ask, Page, Paging
from .rates import Pause
from .reading import Path
from .records import NoRecord
from .rules import Rule, id_at
from .templates import Values

About = Literal["record", "new", "list"]
"""What a call is about: a record by its id, a new one, or none in particular."""

_ANY_STATUS: Final = range(300, 600)
_TOO_MANY: Final = 429
_TEMPORARY: Final = frozenset({408, 425, _TOO_MANY})
_SEE_OTHER: Final = 303  # done; what came of it is elsewhere
_FIRST: Final = Ask({})
_MOST_PAUSES: Final = 10


class Ended(Exception):
    """A call ends without what was wanted.

    Attributes:
        result: What becomes of it.
        reply: The answer that ended it, where that was a failure.
    """

    def __init__(self, result: Result, reply: Reply | None = None) -> None:
        super().__init__()
        self.result = result
        self.reply = reply


class UnexpectedAnswer(ContactSyncError):
    """An answer that says that it is a success does not hold what the declaration says.

    Attributes:
        in_doubt: Whether something has been done all the same, since it was a call that writes.
    """

    def __init__(self, endpoint: Endpoint, said: str) -> None:
        super().__init__(f"{endpoint.name}: {said}")
        self.in_doubt = endpoint.writes


class Caller:
    """Calls an API.

    Args:
        declared: The API.
        auth: What authorizes its calls.
    """

    def __init__(self, declared: Declaration, auth: AuthBase | None) -> None:
        self.declared = declared
        self._errors = declared.errors
        self._api = Api(declared.base_url, auth=auth, headers=declared.headers, timeouts=declared.timeouts)
        self._pause = Pause(declared.rate)

    def send(
        self,
        endpoint: Endpoint,
        values: Values,
        about: About,
        *,
        ask: Ask = _FIRST,
        in_body: bool = False,
        also: Rule | None = None,
        judged: bool = True,
    ) -> Answer:
        """Make a call. If the API has asked for a pause, it waits for the end of it, where that is soon.

        Args:
            values: What placeholders stand for.
            ask: Which page, where the answer is one.
            in_body: Whether what asks for the page goes into the body.
            also: What is an answer too, though it is no success.
            judged: Whether it has to hold what every success has to.

        Returns:
            An answer that is a success.

        Raises:
            Ended: It is none; or the API has asked for a longer pause.
            requests.RequestException: There was no answer.
        """
        pause = self._pause.wait(patience())
        if pause > 0:
            raise Ended(Result.failed("the API asked for a pause", retryable=True, retry_after=pause))
        body = None if endpoint.body is None else endpoint.body.fill(values)
        parameters = {**endpoint.query.fill(values), **({} if in_body else ask.parameters)}
        if in_body:
            body = {**(body or {}), **ask.parameters}
        reply = self._api.call(
            endpoint.verb,
            ask.link or endpoint.path.fill(values),
            params=None if ask.link else {name: str(value) for name, value in parameters.items()},
            json=body,
            headers=endpoint.headers,
            allow=_ANY_STATUS,
        )
        self._pause.heed(reply.headers)
        answer = Answer(reply, reply.status)
        if also is None or not also.fits(answer):
            self.judge(answer, endpoint, about, self._errors.success if judged else None)
        return answer

    def judge(self, answer: Answer, endpoint: Endpoint, about: About, success: Rule | None) -> None:
        """See whether an answer, or the part of one that is about a record, is a success.

        Raises:
            Ended: It is none.
            UnreadableAnswer: It is a page for people; or what it has to hold cannot be seen, as it is not JSON.
        """
        if about == "record" and self._errors.not_found.fits(answer):
            raise Ended(Result.failed(NOT_FOUND))
        case = self._errors.existing(answer) if about == "new" else None
        if case is not None:
            raise Ended(Result.failed(EXISTS, id=id_at(answer, case.id), reason=EXISTS))
        if answer.status >= 300:
            raise Ended(self._failure(answer, endpoint), answer.reply)
        if answer.is_page:
            raise UnreadableAnswer(f"{endpoint.name}: the answer is a page of HTML (HTTP {answer.status}), not JSON")
        if success is not None and answer.says_something and not success.fits(answer):
            answer.at(())
            raise Ended(self._failure(answer, endpoint), answer.reply)

    def record(self, answer: Answer, endpoint: Endpoint, path: Path, wanted: str | None = None) -> dict[str, Any]:
        """The contact in an answer.

        Args:
            path: Where it is.
            wanted: The id that it has to have.

        Raises:
            UnexpectedAnswer: There is none, or that of another record.
            UnreadableAnswer: The answer is not JSON.
        """
        found = answer.at(path)
        contact = self._contact(found, endpoint)
        if wanted is not None and self.declared.shape.id_of(found) != wanted:
            raise UnexpectedAnswer(endpoint, "the answer holds another record than the one that was asked for")
        return contact

    def page(self, endpoint: Endpoint, paging: Paging, ask: Ask, values: Values, also: Rule | None = None) -> Page:
        """Ask for a page of records.

        Raises:
            Ended: It cannot be had.
            UnexpectedAnswer: The answer holds no list.
        """
        past_end = paging.past_end
        allowed = past_end if also is None else Rule((*past_end.cases, *also.cases))
        answer = self.send(endpoint, values, "list", ask=ask, in_body=paging.in_body, also=allowed)
        if allowed.fits(answer):
            return Page(answer, [])
        return Page(answer, self.records(answer, endpoint))

    def patient_page(
        self, endpoint: Endpoint, paging: Paging, ask: Ask, values: Values, also: Rule | None = None
    ) -> Page:
        """Ask for a page of a walk that nobody waits for: the pauses that the API asks for are waited out.

        Raises:
            Ended: It cannot be had.
            UnexpectedAnswer: The answer holds no list.
        """
        with unhurried():
            for _ in range(_MOST_PAUSES):
                try:
                    return self.page(endpoint, paging, ask, values, also)
                except Ended as end:
                    refused = end.reply is not None and end.reply.status == _TOO_MANY
                    if not refused or not 0 < self._pause.left() <= patience():
                        raise
            return self.page(endpoint, paging, ask, values, also)

    def records(self, answer: Answer, endpoint: Endpoint) -> list[Any]:
        """The records in an answer, as the API gave them.

        Raises:
            UnexpectedAnswer: It holds no list.
        """
        found = answer.at(endpoint.list)
        if not isinstance(found, list):
            place = "record.list" if endpoint.list else "record.list, which says that it is a list itself"
            raise UnexpectedAnswer(endpoint, f"the answer holds no list of records; see {place}")
        return found

    def contacts(self, records: list[Any], endpoint: Endpoint) -> list[dict[str, Any]]:
        """The contacts that records are, without those that are gone.

        Raises:
            UnexpectedAnswer: One of them is no record.
        """
        shape = self.declared.shape
        return [self._contact(record, endpoint) for record in records if not shape.is_gone(record)]

    def close(self) -> None:
        """Close the connections."""
        self._api.close()

    def _contact(self, record: object, endpoint: Endpoint) -> dict[str, Any]:
        try:
            return self.declared.shape.contact(record)
        except NoRecord as error:
            raise UnexpectedAnswer(endpoint, f"the answer {error}") from None

    def _failure(self, answer: Answer, endpoint: Endpoint) -> Result:
        """What becomes of an answer that is no success. Of what it says, only a code is repeated."""
        status = answer.status
        server = status >= 500 or status in _TEMPORARY
        temporary = server or self._errors.retryable.fits(answer)
        code = self._errors.code_of(answer)
        said = f"HTTP {status}" + (f", code {code}" if code is not None else "")
        hint = ""
        if status < 300:
            hint = ", which the declaration says is no success"
        elif status < 400:
            hint = ", a redirect, which is not followed; declare the address that it leads to"
        return Result.failed(
            f"{endpoint.name}: the API answered {said}{hint}",
            retryable=temporary,
            retry_after=parse_retry_after(answer.headers.get("Retry-After")) if temporary else None,
            in_doubt=status >= 500 or (status == _SEE_OTHER and endpoint.writes),
        )

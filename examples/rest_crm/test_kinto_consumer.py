"""The consumer is proven by the suite against a real Kinto, and against answers that a healthy Kinto does not give."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import responses

from conftest import ACCOUNT
from consumer import KintoConsumer
from contact_sync.consumer import ask, pages
from contact_sync.testing import ConsumerContract

SERVER = "https://kinto.example.com/v1"
RECORDS = f"{SERVER}/buckets/crm/collections/contacts/records"


class TestKintoConsumer(ConsumerContract):
    """Everything that is expected of a consumer, against a real server."""

    text_field = "first_name"
    missing_id = "9e83aa09-cfd7-457b-b227-aa76692d343a"

    @pytest.fixture
    def consumer(self, kinto: str) -> Iterator[KintoConsumer]:
        consumer = KintoConsumer(kinto, ACCOUNT)
        yield consumer
        consumer.close()

    @pytest.fixture
    def crm_url(self, kinto: str) -> str:
        return kinto.removesuffix("/v1")

    def consumer_at(self, url: str) -> KintoConsumer:
        return KintoConsumer(f"{url}/v1", ACCOUNT, timeout=(1, 1))


class TestRealKinto:
    """What is particular to Kinto, against a real server."""

    def test_an_id_that_exists_is_given_for_adoption(self, empty_kinto: str) -> None:
        """Kinto answers 200 in place of 201, with the record that was there."""
        consumer = KintoConsumer(empty_kinto, ACCOUNT)
        assert consumer.create_contact({"id": "ann", "email": "ann@example.com"}).success
        again = consumer.create_contact({"id": "ann", "email": "other@example.com"})
        assert (again.success, again.id, again.error) == (False, "ann", "a record with that id exists")
        assert (consumer.get_contact("ann").contact or {})["email"] == "ann@example.com"
        consumer.close()

    def test_an_email_that_looks_like_json_is_found_as_text(self, empty_kinto: str) -> None:
        consumer = KintoConsumer(empty_kinto, ACCOUNT)
        for email in ("123", "null", "true", '"quoted"', "[1]"):
            created = consumer.create_contact({"email": email})
            assert [one["id"] for one in consumer.get_contact_by_email(email).contacts or ()] == [created.id]
        consumer.close()

    def test_a_contact_that_is_edited_during_the_walk_comes_once(self, empty_kinto: str) -> None:
        consumer = KintoConsumer(empty_kinto, ACCOUNT)
        ids = {str(consumer.create_contact({"n": n}).id) for n in range(6)}
        walked = []
        for page in pages(consumer, 2):
            walked += [contact["id"] for contact in page.contacts or ()]
            for id in ids:
                consumer.update_contact({"id": id, "touched": len(walked)})
        assert sorted(walked) == sorted(ids)
        consumer.close()

    def test_a_missing_collection_is_no_missing_record(self, kinto: str) -> None:
        consumer = KintoConsumer(kinto, ACCOUNT, collection="elsewhere")
        result = ask(consumer, "get_contact", "ann")
        assert (result.not_found, result.error) == (False, "KintoConsumer.get_contact raised HTTPError (HTTP 404)")
        assert not ask(consumer, "list_contacts").success
        consumer.close()

    def test_a_wrong_password_is_a_failure(self, kinto: str) -> None:
        consumer = KintoConsumer(kinto, (ACCOUNT[0], "wrong"))
        assert ask(consumer, "get_contact", "ann").error == "KintoConsumer.get_contact raised HTTPError (HTTP 401)"
        consumer.close()


@pytest.fixture
def answers() -> Iterator[responses.RequestsMock]:
    with responses.RequestsMock() as mock:
        yield mock


@pytest.fixture
def consumer() -> Iterator[KintoConsumer]:
    consumer = KintoConsumer(SERVER, ACCOUNT)
    yield consumer
    consumer.close()


class TestUnusualAnswers:
    """What Kinto, or something in front of it, may answer too."""

    @pytest.mark.parametrize("status", [409, 412])
    def test_a_conflict_may_be_tried_again(
        self, answers: responses.RequestsMock, consumer: KintoConsumer, status: int
    ) -> None:
        answers.patch(f"{RECORDS}/ann", status=status, json={"errno": 114})
        result = consumer.update_contact({"id": "ann", "name": "Ann"})
        assert (result.success, result.retryable) == (False, True)

    def test_a_pause_that_is_asked_for_is_kept(self, answers: responses.RequestsMock, consumer: KintoConsumer) -> None:
        """Calls fail for that long without bothering the server, and say when to come again."""
        answers.get(f"{RECORDS}/ann", json={"data": {"id": "ann"}}, headers={"Backoff": "30"})
        assert consumer.get_contact("ann").success
        result = consumer.get_contact("ann")
        assert result.retryable
        assert 0 < (result.retry_after or 0) <= 30
        assert len(answers.calls) == 1

    @pytest.mark.parametrize("header", ["", "soon", "-5", "1e9"])
    def test_a_pause_that_cannot_be_read_is_none(
        self, answers: responses.RequestsMock, consumer: KintoConsumer, header: str
    ) -> None:
        answers.get(f"{RECORDS}/ann", json={"data": {"id": "ann"}}, headers={"Backoff": header})
        assert consumer.get_contact("ann").success
        assert consumer.get_contact("ann").success

    def test_retry_after_is_handed_on(self, answers: responses.RequestsMock, consumer: KintoConsumer) -> None:
        answers.get(f"{RECORDS}/ann", status=503, json={"errno": 201}, headers={"Retry-After": "7"})
        result = ask(consumer, "get_contact", "ann")
        assert (result.retryable, result.retry_after) == (True, 7.0)

    @pytest.mark.parametrize(
        "link",
        [
            "https://evil.example.com/v1/records?_token=x",
            "http://kinto.example.com/v1/records",
            "https://kinto.example.com:8443/v1/records",
            "https://kinto.example.com@evil.example.com/",
            "//evil.example.com/records",
            "/v1/records",
            "file:///etc/passwd",
        ],
    )
    def test_a_next_page_elsewhere_is_not_followed(
        self, answers: responses.RequestsMock, consumer: KintoConsumer, link: str
    ) -> None:
        """The password would be sent there."""
        answers.get(RECORDS, json={"data": [{"id": "ann"}]}, headers={"Next-Page": link})
        first, refused = pages(consumer)
        assert first.success
        assert refused.error == "the link to the next page leads to another server; it is not followed"

    def test_a_redirect_is_not_followed(self, answers: responses.RequestsMock, consumer: KintoConsumer) -> None:
        answers.get(f"{RECORDS}/ann", status=307, headers={"Location": "https://evil.example.com/"})
        assert consumer.get_contact("ann").error == "Kinto redirects (HTTP 307); give its final address"

    @pytest.mark.parametrize(
        "answer",
        ["[]", "{}", '{"data": null}', '{"data": {}}', '{"data": {"id": 5}}', '{"data": "ann"}', '"ann"', "null"],
    )
    def test_an_answer_without_a_record_is_a_failure(
        self, answers: responses.RequestsMock, consumer: KintoConsumer, answer: str
    ) -> None:
        answers.get(f"{RECORDS}/ann", body=answer)
        assert consumer.get_contact("ann").error == "Kinto's answer holds no record"

    @pytest.mark.parametrize(
        "body", ["<h1>Not found</h1>", "[]", "{}", '{"errno": 110}', '{"errno": 110, "details": []}']
    )
    def test_a_404_that_names_no_record_is_a_failure(
        self, answers: responses.RequestsMock, consumer: KintoConsumer, body: str
    ) -> None:
        """It may come from a proxy, or from a wrong address."""
        answers.get(f"{RECORDS}/ann", status=404, body=body)
        assert ask(consumer, "get_contact", "ann").error == "KintoConsumer.get_contact raised HTTPError (HTTP 404)"

"""The suite that proves a consumer. Its author subclasses it; pytest does the rest."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pytest

from contact_sync.consumer import ExternalAPIConsumer

from .contract_abilities import AbilityTests
from .contract_applies import Need, choose, tests_of
from .contract_changes import ChangesTests
from .contract_faults import FaultTests
from .contract_hostile import HostileIdTests
from .contract_interrupted import InterruptedTests
from .contract_lookups import LookupTests
from .contract_optional import OptionalTests
from .contract_pages import PageTests
from .contract_probe import ConsumerDeclaration, Probe, check_declared
from .contract_records import RecordTests
from .contract_sync import SyncTests
from .people import ConsumerPeople, People


class ConsumerContract(
    RecordTests,
    LookupTests,
    PageTests,
    OptionalTests,
    AbilityTests,
    ChangesTests,
    SyncTests,
    HostileIdTests,
    ConsumerDeclaration,
):
    """What the engine expects of a consumer, as tests. Run them against a CRM account that holds little else.

        class TestAcme(ConsumerContract):
            text_field = "first_name"

            @pytest.fixture
            def consumer(self):
                return AcmeConsumer("http://localhost:8888", key="…")

    `text_field` and the fixture `consumer` have to be given. `id_field`, `email_field`, `new_contact` and the other
    declarations of `ConsumerDeclaration` have defaults. With `consumer_at`, the suite also tests what the consumer
    makes of a CRM that is away, slow or broken; with a fixture `crm_url` too, what it makes of single requests and
    answers that get lost on the way to the CRM.

    In the last tests a real sync runs between the consumer and a sandbox of the platform, while things go wrong: in the
    end both sides have to be the same. Each of them tells a story that follows from a seed, which a failure names.

    A suite has the tests of what its consumer can. For one that cannot write all, say so (`can_create = False`, or
    subclass `ReadOnlyContract`): its writes have to be refused then, and the records to read are made by `people`, or
    are those of `existing`.

    The suite deletes what it creates, and fails where it cannot. Where records can be archived, one of them stays in
    the archive.
    """

    def __init_subclass__(cls, **arguments: Any) -> None:
        super().__init_subclass__(**arguments)
        cls.has_people = inspect.getattr_static(cls, "people") is not _PEOPLE
        can = {"create": cls.can_create, "update": cls.can_update, "delete": cls.can_delete}
        there: set[Any] = {name if able else f"no {name}" for name, able in can.items()}
        there |= {"records"} if cls.can_create or cls.has_people else set()
        there |= {"consumer_at"} if cls.consumer_at is not ConsumerDeclaration.consumer_at else set()
        there |= {"crm_url"} if hasattr(cls, "crm_url") else set()
        chosen: frozenset[Need] = frozenset(there)
        choose(cls, _TESTS, chosen)

    @pytest.fixture
    def consumer(self) -> ExternalAPIConsumer:
        """The consumer under test; overridden by the author."""
        pytest.fail(
            f"{type(self).__name__} needs a pytest fixture 'consumer' that returns the consumer to be tested",
            pytrace=False,
        )

    @pytest.fixture
    def people(self, consumer: ExternalAPIConsumer) -> People:
        """Who edits in the CRM beside the sync. Through the consumer, unless overridden."""
        return ConsumerPeople(consumer, self.id_field)

    @pytest.fixture
    def existing(self) -> Sequence[Mapping[str, Any]]:
        """Records that are there, whole and with their ids, for a CRM in which neither the consumer nor people can
        create any."""
        return ()

    @pytest.fixture
    def probe(
        self, consumer: ExternalAPIConsumer, people: People, existing: Sequence[Mapping[str, Any]]
    ) -> Iterator[Probe]:
        """What the tests call the consumer with. Deletes afterwards what they created."""
        check_declared(self)
        probe = Probe(consumer, self, people if self.has_people else None, existing)
        yield probe
        left = probe.clean_up()
        assert not left, f"records that this test created could not be deleted and are still in the CRM: {left}"


_PEOPLE = inspect.getattr_static(ConsumerContract, "people")
_TESTS = tests_of(ConsumerContract, FaultTests, InterruptedTests)


class ReadOnlyContract(ConsumerContract):
    """`ConsumerContract` for a consumer that only reads, such as a `ReadOnlyConsumer`.

        class TestDirectory(ReadOnlyContract):
            text_field = "title"
            missing_id = "U000"

            @pytest.fixture
            def consumer(self): …

            @pytest.fixture
            def people(self): …

    `people` gives who can create, change and delete records there (a `People`), such as a fake server. Without it,
    `existing` gives two records or more that are there, and `missing_id` has to be declared; what needs records of the
    suite's making is not tested then.
    """

    can_create = False
    can_update = False
    can_delete = False

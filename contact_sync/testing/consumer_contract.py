"""The suite that proves a consumer. Its author subclasses it; pytest does the rest."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from contact_sync.consumer import ExternalAPIConsumer

from .contract_faults import FaultTests
from .contract_hostile import HostileIdTests
from .contract_lookups import LookupTests
from .contract_optional import OptionalTests
from .contract_pages import PageTests
from .contract_probe import ConsumerDeclaration, Probe
from .contract_records import RecordTests


class ConsumerContract(RecordTests, LookupTests, PageTests, OptionalTests, HostileIdTests, ConsumerDeclaration):
    """What the engine expects of a consumer, as tests. Run them against a CRM account that holds little else.

        class TestAcme(ConsumerContract):
            text_field = "first_name"

            @pytest.fixture
            def consumer(self):
                return AcmeConsumer("http://localhost:8888", key="…")

    `text_field` and the fixture `consumer` have to be given. `id_field`, `email_field`, `new_contact` and the other
    declarations of `ConsumerDeclaration` have defaults. With `consumer_at`, the suite also tests what the consumer
    makes of a CRM that is away, slow or broken.

    The suite deletes what it creates, and fails where it cannot. Where records can be archived, one of them stays in
    the archive.
    """

    def __init_subclass__(cls, **arguments: Any) -> None:
        super().__init_subclass__(**arguments)
        if cls.consumer_at is not ConsumerDeclaration.consumer_at:
            for name, test in vars(FaultTests).items():
                if name.startswith("test_") and not hasattr(cls, name):
                    setattr(cls, name, test)

    @pytest.fixture
    def consumer(self) -> ExternalAPIConsumer:
        """The consumer under test; overridden by the author."""
        pytest.fail(
            f"{type(self).__name__} needs a pytest fixture 'consumer' that returns the consumer to be tested",
            pytrace=False,
        )

    @pytest.fixture
    def probe(self, consumer: ExternalAPIConsumer) -> Iterator[Probe]:
        """What the tests call the consumer with. Deletes afterwards what they created."""
        if not self.text_field:
            pytest.fail(
                f"{type(self).__name__} needs 'text_field': the name of a field of free text that may be changed and "
                "cleared (text_field = 'first_name')",
                pytrace=False,
            )
        probe = Probe(consumer, self)
        yield probe
        left = probe.clean_up()
        assert not left, f"records that this test created could not be deleted and are still in the CRM: {left}"

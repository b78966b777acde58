"""For whom something is done: an installation, who speaks for it, and its CRM account."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from .consumer import ExternalAPIConsumer, declaration_problem
from .errors import ConfigurationError
from .events import Auth
from .failures import FAULTS, translate
from .results import Result

ConsumerFunction = Callable[[Auth], ExternalAPIConsumer]
"""A user's function for one CRM account a tenant: from who speaks to the consumer of their account.

It is called for every event; to keep a consumer's connections, give the same object back for the same client.
"""


@dataclass(frozen=True, slots=True)
class Scope:
    """For whom something is done.

    Attributes:
        installation: The id of the installation.
        auth: Who speaks.
        consumer: The CRM account of this installation.
    """

    installation: str
    auth: Auth
    consumer: ExternalAPIConsumer = field(repr=False)


class Scopes:
    """Finds the CRM account of who speaks.

    Args:
        consumer: One consumer for everybody, or a function from `Auth` to one.

    Raises:
        ConfigurationError: It is neither, or what it declares is wrong.
    """

    def __init__(self, consumer: ExternalAPIConsumer | ConsumerFunction) -> None:
        if consumer is None:
            raise ConfigurationError("consumer: missing; pass an ExternalAPIConsumer, or a function from Auth to one")
        if isinstance(consumer, type):
            raise ConfigurationError(f"consumer: got the class {consumer.__name__}; pass an instance of it")
        if not isinstance(consumer, ExternalAPIConsumer) and not callable(consumer):
            raise ConfigurationError(
                "consumer: expected an ExternalAPIConsumer, or a function from Auth to one, "
                f"got {type(consumer).__name__}"
            )
        problem = declaration_problem(consumer) if isinstance(consumer, ExternalAPIConsumer) else None
        if problem is not None:
            raise ConfigurationError(f"consumer: {problem}")
        self._consumer = consumer

    @property
    def shared(self) -> ExternalAPIConsumer | None:
        """The consumer that serves everybody, if there is one."""
        return self._consumer if isinstance(self._consumer, ExternalAPIConsumer) else None

    def of(self, installation: str, auth: Auth) -> Scope | Result:
        """Make the scope of who speaks; a failed result if the user's function gives no consumer."""
        if isinstance(self._consumer, ExternalAPIConsumer):
            return Scope(installation, auth, self._consumer)
        try:
            consumer = self._consumer(auth)
        except FAULTS as error:
            return translate(error, "the consumer function")
        if not isinstance(consumer, ExternalAPIConsumer):
            return Result.failed(
                f"the consumer function returned {type(consumer).__name__}; expected an ExternalAPIConsumer"
            )
        problem = declaration_problem(consumer)
        return Scope(installation, auth, consumer) if problem is None else Result.failed(problem)

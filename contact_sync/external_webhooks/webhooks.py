"""What a user says of a CRM's webhooks, checked."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import KW_ONLY, dataclass, field
from typing import Final

from contact_sync.arguments import checked_endpoint, checked_function
from contact_sync.delivery_ids import DeliveryId, delivery_id_reader
from contact_sync.errors import ConfigurationError
from contact_sync.events import Auth

from .hubspot import HubSpotV3, read_hubspot
from .request import ExternalRequest, Reader
from .scheme import Refusal, Scheme, Verified
from .slack import SlackV0, read_slack
from .standard import read_standard

Identify = Callable[[str | None], str | Auth | None]
"""A user's function from what the CRM calls an account to the id of the installation whose it is, or to an `Auth` with
its token. `None`: nobody's here."""

UNSIGNED: Final = (
    "external_webhooks at %r take unsigned requests: everybody who reaches them may change and delete contacts"
)

_READERS: Final[Mapping[type, Reader]] = {HubSpotV3: read_hubspot, SlackV0: read_slack}


@dataclass(frozen=True, slots=True)
class ExternalWebhooks:
    """The webhooks of a CRM.

    Args:
        scheme: How the CRM shows that a request is from it: `HubSpotV3(…)`, `SlackV0(…)`, `StandardWebhooks(…)`, ….
        read: Reads what a request tells of. Left out, as the scheme's maker writes it, or `read_standard`.
        identify: Names the installation by what the CRM calls the account: `{"62515": "client:acme"}.get`. Left out:
            it is the only one that there is.
        delivery_id: Where the CRM puts an id of each delivery that stays the same when it is sent again, `header:NAME`
            or `field:NAME`. Left out, where the scheme has it.
        allow_unsigned: Whether to do without a scheme: for a test server behind a closed door only.

    Raises:
        ConfigurationError: There is no scheme, or one of the others is wrong.
    """

    scheme: Scheme | None = None
    _: KW_ONLY
    read: Reader | None = None
    identify: Identify | None = None
    delivery_id: str | None = None
    allow_unsigned: bool = False
    _delivery_id: DeliveryId | None = field(init=False, repr=False, compare=False)
    _id_is_inside: bool = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.scheme is not None and not isinstance(self.scheme, Scheme):
            raise ConfigurationError(
                f"external_webhooks: expected a scheme such as HubSpotV3(…), got {type(self.scheme).__name__}"
            )
        if self.scheme is None and self.allow_unsigned is not True:
            raise ConfigurationError(
                "external_webhooks: no scheme, so everybody could change and delete contacts; pass one such as "
                "HubSpotV3(…), or, for a test server behind a closed door only, allow_unsigned=True"
            )
        if self.scheme is not None and self.allow_unsigned:
            raise ConfigurationError("external_webhooks: a scheme and allow_unsigned=True exclude each other")
        checked_function("external_webhooks: read", self.read)
        checked_function("external_webhooks: identify", self.identify)
        place = self.delivery_id or (None if self.scheme is None else self.scheme.delivery_id)
        object.__setattr__(self, "_delivery_id", None if place is None else delivery_id_reader(place))
        object.__setattr__(self, "_id_is_inside", place is not None and place.startswith("field:"))

    @property
    def reader(self) -> Reader:
        """What reads requests."""
        return self.read or _READERS.get(type(self.scheme), read_standard)

    @property
    def scheme_name(self) -> str:
        """What the scheme is called in the log."""
        return "unsigned" if self.scheme is None else self.scheme.name

    def verify(self, request: ExternalRequest, now: float) -> Verified | Refusal:
        """Say whether a request may come in."""
        return Verified() if self.scheme is None else self.scheme.verify(request, now)

    def id_of(self, request: ExternalRequest) -> str | None:
        """What the CRM calls a delivery; `None` if it has no name for it.

        Raises:
            Unreadable: The name is in the body, which is no JSON.
        """
        if self._delivery_id is None:
            return None
        body = request.json() if self._id_is_inside else {}
        return self._delivery_id(request.headers, body if isinstance(body, Mapping) else {})


def checked_webhooks(given: object) -> dict[str, ExternalWebhooks]:
    """Take one endpoint's webhooks, or several by path.

    Raises:
        ConfigurationError: It is neither.
    """
    if given is None:
        return {}
    if isinstance(given, ExternalWebhooks):
        return {"/": given}
    if not isinstance(given, Mapping) or not given:
        raise ConfigurationError(
            f"external_webhooks: expected ExternalWebhooks(…), or several by path, got {type(given).__name__}"
        )
    for path, one in given.items():
        checked_endpoint(path)
        if not isinstance(one, ExternalWebhooks):
            raise ConfigurationError(
                f"external_webhooks: expected ExternalWebhooks(…) at {path!r}, got {type(one).__name__}"
            )
    return dict(given)

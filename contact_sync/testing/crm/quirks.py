"""What real CRMs do differently, as switches."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, get_args, get_origin, get_type_hints

from contact_sync.errors import ConfigurationError
from contact_sync.results import usable_seconds

Missing = Literal["result", "json_404", "html_404", "text_404", "forbidden_403", "error_in_200", "protocol_code"]
"""How a CRM says that a record is not there. `result`: its library gives nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Quirks:
    """How a `QuirkyConsumer`'s CRM behaves. All is off by default: a CRM as one would wish it.

    Attributes:
        ids: What a record's id looks like: `text` (`"1"`), `number` (`1`, in records and in results), `uuid`, or
            `path` (`"/contacts/1"`).
        not_found: How the CRM says that a record is not there.
        update_missing: What the update of a record that is not there does: it is refused, it succeeds without doing
            anything, or it creates the record under that id.
        delete_again: What a delete of a record that is not there does: it is refused, or it succeeds (204).
        unique_emails: Whether a second record with an address, in whatever case, is refused: not at all, with the id
            of the first (`with_id`), or without it (`without_id`).
        case_sensitive_lookup: Whether an address is found in its own case alone.
        normalises: Whether addresses are written in lower case, and phone numbers as digits after a `+`.
        trims: Whether blanks around text are taken off.
        returns_record: Whether a create or update answers with the record as it is now. `None`: if the CRM writes
            something else than it was sent (`normalises`, `trims`), so that it can be seen.
        partial: Whether the consumer asks for the changed fields alone.
        replaces: Whether an update blanks the fields that are not sent.
        clears: How a field reads that was written `None` or `""`: `none`, `empty` (`""`), or `absent`.
        paging: Whether lists are asked for by page number, by offset, or by an opaque cursor.
        pages_shift: Whether lists are in order of the last change, so that records edited during a walk change pages.
            A cursor keeps its place.
        archives: Whether records can be archived: hidden from every look-up and list.
        limit_every: Every how many-th call is refused with a 429; 0 for none.
        limit_retry_after: The seconds in the `Retry-After` of a 429; without, if none.
        tells_own_writes: Whether what the API writes makes notices, as what people do does.
    """

    ids: Literal["text", "number", "uuid", "path"] = "text"
    not_found: Missing = "result"
    update_missing: Literal["not_found", "succeeds", "creates"] = "not_found"
    delete_again: Literal["not_found", "succeeds"] = "not_found"
    unique_emails: Literal["no", "with_id", "without_id"] = "no"
    case_sensitive_lookup: bool = False
    normalises: bool = False
    trims: bool = False
    returns_record: bool | None = None
    partial: bool = False
    replaces: bool = False
    clears: Literal["none", "empty", "absent"] = "none"
    paging: Literal["number", "offset", "cursor"] = "number"
    pages_shift: bool = False
    archives: bool = False
    limit_every: int = 0
    limit_retry_after: float | None = None
    tells_own_writes: bool = False

    def __post_init__(self) -> None:
        for name, kind in get_type_hints(Quirks).items():
            value = getattr(self, name)
            if get_origin(kind) is Literal and value not in get_args(kind):
                raise ConfigurationError(f"the quirk {name!r} must be one of {', '.join(get_args(kind))}")
            if kind in (bool, bool | None) and not isinstance(value, kind):
                raise ConfigurationError(f"the quirk {name!r} must be a boolean")
        if isinstance(self.limit_every, bool) or not isinstance(self.limit_every, int) or self.limit_every < 0:
            raise ConfigurationError("the quirk 'limit_every' must be a whole number, 0 or more")
        seconds = self.limit_retry_after
        if seconds is not None and not (isinstance(seconds, int | float) and usable_seconds(seconds)):
            raise ConfigurationError("the quirk 'limit_retry_after' must be seconds")

    @property
    def gives_record(self) -> bool:
        """Whether a create or update answers with the record."""
        return self.normalises or self.trims if self.returns_record is None else self.returns_record


AS_ONE_WOULD_WISH: Final = Quirks()

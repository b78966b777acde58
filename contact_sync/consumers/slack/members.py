"""What of a Slack workspace is a contact, and what its fields are: pure, from the dicts that Slack gives."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from contact_sync.consumer import CRMField

MEMBER_ID: Final = re.compile(r"[A-Za-z0-9]{1,40}")

_SLACKBOT: Final = "USLACKBOT"  # its is_bot is false


def is_person(member: Mapping[str, Any]) -> bool:
    """Whether it is a person of this workspace, or was one: no bot, nobody of another workspace, nobody who is only
    invited. `is_app_user` says nothing of the kind: such a person uses the app that asks.
    """
    nobody = any(member.get(flag) is True for flag in ("is_bot", "is_stranger"))
    return member["id"] != _SLACKBOT and not nobody and not is_invited(member)


def is_invited(member: Mapping[str, Any]) -> bool:
    """Whether it is somebody who is only invited, and becomes a member by coming."""
    return member.get("is_invited_user") is True


def is_deactivated(member: Mapping[str, Any]) -> bool:
    """Whether it is deactivated. Slack deletes nobody."""
    return member.get("deleted") is True


def is_guest(member: Mapping[str, Any]) -> bool:
    """Whether it is a guest, of one channel or of several."""
    return member.get("is_restricted") is True or member.get("is_ultra_restricted") is True


@dataclass(frozen=True, slots=True)
class CustomField:
    """A field that the workspace has added to the profiles of its members."""

    id: str
    label: str
    type: str


def custom_fields(definitions: object) -> Sequence[CustomField] | None:
    """Read the fields of `team.profile.get`, without what is hidden; `None` if they are not what they should be."""
    if not isinstance(definitions, list):
        return None
    found = []
    for one in definitions:
        if not isinstance(one, dict) or not isinstance(one.get("id"), str):
            return None
        if not one.get("is_hidden"):
            found.append(CustomField(one["id"], str(one.get("label") or ""), str(one.get("type") or "")))
    return found


def as_contact(member: Mapping[str, Any], values: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Make a contact of a member: as Slack gives it, but for the custom fields.

    Args:
        member: As in `users.list` and `users.info`. What these hold of custom fields is not all, and is left out.
        values: The custom fields' values by their ids, which become `profile.fields`.
    """
    contact = dict(member)
    profile = member.get("profile")
    if isinstance(profile, dict):
        contact["profile"] = {name: value for name, value in profile.items() if name != "fields"}
        if values is not None:
            contact["profile"]["fields"] = dict(values)
    return contact


def values_of(fields: object, defined: Sequence[CustomField]) -> dict[str, Any]:
    """Read `profile.fields` of Slack's `users.profile.get`.

    Slack leaves out the fields that a member has nothing in. Of those that the workspace has, that is the value `None`:
    an emptied one can be told from one that was not asked for.
    """
    found: dict[str, Any] = {field.id: None for field in defined}
    if isinstance(fields, dict):  # an empty list, or null, where there is none
        for id, field in fields.items():
            found[id] = field.get("value") if isinstance(field, dict) else None
    return found


_IMAGES: Final = tuple(f"image_{size}" for size in ("24", "32", "48", "72", "192", "512", "1024", "original"))

MEMBER_FIELDS: Final = (
    CRMField("id", "text", read_only=True, unique=True, label="Member ID"),
    CRMField("profile.email", "text", read_only=True, unique=True, label="Email"),
    *(
        CRMField(name, type, read_only=True)
        for type, names in {
            "text": ("team_id", "name", "real_name", "color", "tz", "tz_label", "who_can_share_contact_card"),
            "number": ("tz_offset", "updated"),
            "boolean": (
                *("is_admin", "is_owner", "is_primary_owner", "is_restricted", "is_ultra_restricted"),
                *("is_app_user", "is_email_confirmed", "has_2fa"),
            ),
        }.items()
        for name in names
    ),
    *(
        CRMField(f"profile.{name}", "text", read_only=True)
        for name in (
            *("real_name", "real_name_normalized", "display_name", "display_name_normalized"),
            *("first_name", "last_name", "title", "phone", "skype", "pronouns", "start_date", "team"),
            *("status_text", "status_emoji", "avatar_hash", *_IMAGES),
        )
    ),
    CRMField("profile.status_expiration", "number", read_only=True),
)
"""The fields that members have everywhere. Others are there as well."""


def custom_crm_fields(defined: Sequence[CustomField]) -> list[CRMField]:
    """Name the workspace's own fields as the mapping has to write them."""
    return [CRMField(f"profile.fields.{one.id}", one.type, read_only=True, label=one.label) for one in defined]

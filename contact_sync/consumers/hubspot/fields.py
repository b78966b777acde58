"""Which properties the contacts of HubSpot have, which of them a mapping needs, and which cannot be written."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from contact_sync.consumer import CRMField
from contact_sync.errors import ConfigurationError
from mappers import Mapper
from mappers import Mapping as Row

from .records import EMAIL_PROPERTY, ID, MERGED

READ_ONLY_PROPERTIES: Final = frozenset(
    {
        *MERGED,
        "createdate",
        "days_to_close",
        "first_conversion_date",
        "first_conversion_event_name",
        "first_deal_created_date",
        "hs_all_contact_vids",
        "hs_calculated_mobile_number",
        "hs_calculated_phone_number",
        "hs_created_by_user_id",
        "hs_email_domain",
        "hs_full_name_or_email",
        "hs_is_contact",
        "hs_is_unworked",
        "hs_lastmodifieddate",
        "hs_object_id",
        "hs_object_source",
        "hs_object_source_id",
        "hs_object_source_label",
        "hs_searchable_calculated_mobile_number",
        "hs_searchable_calculated_phone_number",
        "hs_updated_by_user_id",
        "hubspotscore",
        "lastmodifieddate",
        "notes_last_contacted",
        "notes_last_updated",
        "notes_next_activity_date",
        "num_associated_deals",
        "num_conversion_events",
        "num_unique_conversion_events",
        "recent_conversion_date",
        "recent_conversion_event_name",
        "recent_deal_amount",
        "recent_deal_close_date",
        "total_revenue",
    }
)
"""Properties that every account has and HubSpot alone writes. An account has more of them, such as those that it
calculates: `list_fields` tells. Some whose names begin with `hs_` can be written (`hs_lead_status`, `hs_language`)."""


def fields_of(mappings: Mapper | Iterable[Row]) -> list[str]:
    """Name the properties that a mapping needs: the external names of its rows, without that of the id.

        HubSpotConsumer(token, properties=fields_of(mappings))

    Args:
        mappings: The mapping of the sync, or its rows.
    """
    rows = mappings.rows if isinstance(mappings, Mapper) else mappings
    return list(dict.fromkeys(row.external for row in rows if not row.id))


def checked_properties(properties: object) -> tuple[str, ...]:
    """Check the names of the properties to ask for.

    Raises:
        ConfigurationError: They are no names, or none.
    """
    if isinstance(properties, str) or not isinstance(properties, Iterable):
        raise ConfigurationError("properties: expected the names of properties, such as fields_of(mappings)")
    names: dict[str, None] = {}
    for name in properties:
        # In an address they are divided by commas.
        if not isinstance(name, str) or not name or any(character in ", \r\n\t" for character in name):
            raise ConfigurationError("properties: a name is HubSpot's own, without spaces and commas (firstname)")
        if name != ID:
            names[name] = None
    if not names:
        raise ConfigurationError("properties: none are named, and HubSpot gives those alone that it is asked for")
    return tuple(names)


def crm_fields(definitions: Sequence[Mapping[str, Any]]) -> list[CRMField]:
    """Make fields of the definitions of properties, and one of the id, which is no property.

    `modificationMetadata.readOnlyValue` and `hasUniqueValue` are of
    https://developers.hubspot.com/docs/api-reference/latest/crm/properties/guide; `email` is unique without saying so.
    """
    fields = [CRMField(ID, "string", read_only=True, unique=True, label="Record ID")]
    for definition in definitions:
        name, metadata = definition["name"], definition.get("modificationMetadata")
        read_only = isinstance(metadata, Mapping) and metadata.get("readOnlyValue") is True
        fields.append(
            CRMField(
                name,
                str(definition.get("type") or ""),
                read_only=read_only or definition.get("calculated") is True or name in READ_ONLY_PROPERTIES,
                unique=definition.get("hasUniqueValue") is True or name == EMAIL_PROPERTY,
                label=str(definition.get("label") or ""),
            )
        )
    return fields

"""Whether both sides agree: every contact has its partner, and every field of it says the same."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from mappers import Mapper, MappingError


@dataclass(frozen=True, slots=True)
class Comparison:
    """What a comparison found.

    Attributes:
        pairs: How many pairs were looked at.
        fields: How many fields were compared.
        differences: What is wrong, in words that name ids and fields, and hold no values.
    """

    pairs: int
    fields: int
    differences: tuple[str, ...]


def compare(
    platform: Mapping[str, Mapping[str, Any]],
    crm: Mapping[str, Mapping[str, Any]],
    pairs: Iterable[tuple[str, str]],
    mapper: Mapper,
) -> Comparison:
    """Compare both sides, contact by contact and field by field.

    Args:
        platform: The platform's contacts, by id.
        crm: The CRM's contacts, by id.
        pairs: (Platform id, CRM id).
        mapper: The table of fields. What it makes of a CRM contact is what the platform has to show.
    """
    pairs = list(pairs)
    differences: list[str] = []
    fields = 0
    for noun, ids, paired in (
        ("platform contact", platform, Counter(here for here, _ in pairs)),
        ("CRM contact", crm, Counter(there for _, there in pairs)),
    ):
        differences += [f"{noun} {id} is in {paired[id] or 'no'} pairs" for id in ids if paired[id] != 1]
        differences += [f"{noun} {id} is paired, but gone" for id in paired if id not in ids]
    for here, there in pairs:
        if here in platform and there in crm:
            found = _different_fields(platform[here], crm[there], mapper)
            fields += len(mapper.rows) - 1
            differences += [f"platform contact {here} and CRM contact {there}: {what}" for what in found]
    return Comparison(len(pairs), fields, tuple(differences))


def _different_fields(here: Mapping[str, Any], there: Mapping[str, Any], mapper: Mapper) -> list[str]:
    try:
        expected = mapper.to_botmatic(there)
    except MappingError as error:
        return [str(error)]
    return [
        f"{row.botmatic} differs"
        for row in mapper.rows
        if not row.id and not _same(row.canonical, expected.get(row.botmatic), here.get(row.botmatic))
    ]


def _same(canonical: Any, one: object, other: object) -> bool:
    try:
        return bool(canonical(one) == canonical(other))
    except MappingError:
        return False
